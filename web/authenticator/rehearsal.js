/** An approval for practice at the end of set-up: the person has done it once before it counts. It opens nothing. */

import { toBase64url } from "../shared/bytes.js";
import { button, errorLine, h, heading, run } from "../shared/dom.js";
import { mark } from "../shared/marks.js";
import { usePasskey } from "../shared/webauthn.js";
import { device } from "./api.js";
import { fact } from "./request.js";
import { words } from "./words.js";

const text = words.rehearsal;
/** Random bytes of a challenge where no test was sent: as many as an id has. */
const CHALLENGE_BYTES = 16;

/**
 * The passkey signs the test's id; where there is a test, the server checks that.
 * @param {import("./store.js").Account} account
 * @param {string|null} test
 */
async function approve(account, test) {
  const assertion = await usePasskey({
    challenge: test ?? toBase64url(crypto.getRandomValues(new Uint8Array(CHALLENGE_BYTES))),
    rpId: new URL(account.server.origin).hostname,
    allowCredentials: account.credential ? [{ type: "public-key", ...account.credential }] : [],
    userVerification: "required",
  });
  if (test) {
    await device("POST", `/self-test/${test}/answer`, { assertion });
  }
}

/**
 * The practice request: it looks like a real one and says that it is none.
 * @param {{account: import("./store.js").Account, test: string|null, from?: string, answered: (outcome: "approve"|"deny") => void}} given
 */
export function rehearsal({ account, test, from = text.from, answered }) {
  const errors = errorLine();
  const agree = button("practice-approve", words.request.approve, "primary", () =>
    void run(agree, errors, async () => {
      await approve(account, test);
      answered("approve");
    }),
  );
  return h(
    "div",
    { class: "stack request", "data-practice": test ?? "" },
    heading(text.title),
    h("p", { class: "notice" }, text.notice),
    h(
      "dl",
      { class: "facts" },
      fact(words.request.who, h("span", { class: "lead" }, account.user.display_name), h("br"), h("span", { class: "small" }, account.user.name)),
      fact(words.request.from, h("span", { class: "lead" }, from)),
    ),
    errors.node,
    h("div", { class: "decision" }, button("practice-deny", words.request.deny, "danger", () => answered("deny")), agree),
  );
}

/**
 * What the practice came to.
 * @param {"approve"|"deny"} outcome
 * @param {() => void} done
 */
export function rehearsed(outcome, done) {
  const { title, sentence } = text[outcome];
  return h(
    "div",
    { class: "stack centred", "data-practised": outcome },
    mark(outcome),
    heading(title),
    h("p", {}, sentence),
    button("done", words.enrol.done, "primary wide-button", done),
  );
}
