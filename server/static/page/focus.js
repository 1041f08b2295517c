// The message box, found by whoever has to put the cursor into it.

export const BOX = "message-box";

/** Put the cursor at the end of the message box, once it is drawn. */
export function focusBox() {
  requestAnimationFrame(() => {
    const box = document.getElementById(BOX);
    box?.focus();
    box?.setSelectionRange(box.value.length, box.value.length);
  });
}
