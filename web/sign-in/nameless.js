/** A sign-in without a user name: a passkey or security key says who it is. */

import { call } from "../shared/api.js";
import { button, errorLine, h, heading, run, show } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { canUsePasskeys, usePasskey } from "../shared/webauthn.js";
import { words } from "../shared/words.js";

const text = words.signIn.nameless;
/** Where the sign-in leads, as the form has it. */
const { app = "", return: path = "", binding = "", appName = "", back = "/sign-in" } =
  document.getElementById("phase")?.dataset ?? {};

async function signIn() {
  const options = await call("POST", "/sign-in/nameless/options", {});
  const assertion = await usePasskey(options);
  const { location: next } = await call("POST", "/sign-in/nameless", { app, return: path, binding, assertion });
  location.assign(next);
  // The page is being left: the button stays busy.
  await new Promise(() => {});
}

function screen() {
  const errors = errorLine();
  const possible = canUsePasskeys();
  const go = button("passkey", text.button, "primary wide-button", () => void run(go, errors, signIn));
  return h(
    "div",
    { class: "stack" },
    heading(appName ? text.titleFor(appName) : text.title),
    h("p", {}, text.sentence),
    h(
      "ul",
      { class: "ways", "aria-label": words.signIn.introduce.ways },
      h("li", {}, icon("computer"), h("span", {}, words.signIn.introduce.byComputer)),
      h("li", {}, icon("phone"), h("span", {}, words.signIn.introduce.byPhone)),
      h("li", {}, icon("key"), h("span", {}, words.signIn.introduce.byKey)),
    ),
    errors.node,
    possible ? go : h("p", { class: "notice warning" }, words.passkey.unsupported),
    h("a", { id: "with-password", class: "button text", href: back }, text.back),
  );
}

show("nameless", screen());
