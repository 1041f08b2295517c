// A component that is drawn anew only when its properties are other ones.

import { Component, h } from "../vendor/preact.mjs";

export function memo(Shown, areSame) {
  return class Memo extends Component {
    shouldComponentUpdate(next) {
      return !areSame(this.props, next);
    }

    render(props) {
      return h(Shown, props);
    }
  };
}
