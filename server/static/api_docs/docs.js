// Shows what /openapi.json says. Nothing is asked of anybody but this server: no validator, no address from the query.
"use strict";

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: "list",
  queryConfigEnabled: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
