/** Saving codes, moving them to another phone, and bringing them in: always encrypted under a passphrase. */

import { announce, button, errorLine, h, heading, run, svg } from "../shared/dom.js";
import { platform } from "../shared/platform.js";
import { encodeQR } from "../vendor/qr/index.js";
import { collector, examine, FILE_MAX_BYTES, pack, parts, PASSPHRASE_MIN, unpack } from "./bundle.js";
import { sameness } from "./otp.js";
import { camera } from "./scan.js";
import { ensureOpen, keepCodes, readCodes, unlock } from "./vault.js";
import { words } from "./words.js";

const text = words.move;
/** White around a QR code that readers need, modules (ISO/IEC 18004). */
const QUIET_ZONE = 4;

/** @typedef {import("./otp.js").Code} Code */

/** A passphrase is shown while it is typed: it is long, typed once, and nobody could restore it. @param {string} hint */
function passphraseField(hint) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", { id: "passphrase", type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", "aria-describedby": "passphrase-hint" })
  );
  const node = h("div", { class: "field" }, h("label", { for: "passphrase" }, text.passphrase), input, h("p", { id: "passphrase-hint", class: "hint" }, hint));
  return { input, node };
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function save(bytes) {
  const name = `nod-codes-${new Date().toISOString().slice(0, 10)}.nodcodes`;
  const file = new File([bytes], name, { type: "application/octet-stream" });
  // An app on an iPhone's Home Screen has no downloads, but can share.
  if (platform() === "ios" && navigator.canShare?.({ files: [file] })) {
    await navigator.share({ files: [file] });
    return;
  }
  const address = URL.createObjectURL(file);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** @param {string} said @param {string} label */
function drawn(said, label) {
  const rows = encodeQR(said, "raw", { ecc: "low", border: QUIET_ZONE });
  const ink = rows.flatMap((/** @type {boolean[]} */ row, /** @type {number} */ y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
  return svg(
    "svg",
    { class: "qr dense", viewBox: `0 0 ${rows.length} ${rows.length}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    svg("path", { d: ink.join(""), fill: "#000000" }),
  );
}

/** The QR codes, one at a time; the person goes on when the other phone has it. @param {string[]} all */
function album(all) {
  const place = h("div", {});
  const where = h("p", { id: "part", class: "centred", role: "status" });
  let index = 0;
  const turn = (/** @type {number} */ by) => {
    index = (index + by + all.length) % all.length;
    const said = all[index] ?? "";
    place.replaceChildren(drawn(said, text.part(index + 1, all.length)));
    place.dataset.part = said;
    where.textContent = text.part(index + 1, all.length);
  };
  turn(0);
  place.id = "album";
  const more = all.length > 1 && h("div", { class: "pair" }, button("previous", text.previous, "", () => turn(-1)), button("next-part", text.next, "primary", () => turn(1)));
  return h("div", { class: "stack-tight" }, h("p", {}, all.length > 1 ? text.several(all.length) : text.one), place, where, more);
}

/** @param {{back: () => void}} given */
export function saveScreen({ back }) {
  const errors = errorLine();
  const field = passphraseField(text.passphraseHint(PASSPHRASE_MIN));
  const result = h("div", {});
  /** @param {HTMLElement} control @param {(bytes: Uint8Array<ArrayBuffer>) => unknown} give */
  const packed = (control, give) =>
    void run(control, errors, async () => {
      result.replaceChildren();
      if ([...field.input.value].length < PASSPHRASE_MIN) {
        field.input.focus();
        throw new Error(text.tooShort(PASSPHRASE_MIN));
      }
      // Asked each time: all secrets at once leave the phone (E11).
      await unlock();
      const { codes, damaged } = await readCodes();
      if (codes.length === 0) {
        throw new Error(text.nothing);
      }
      await give(await pack(codes, field.input.value));
      if (damaged > 0) {
        result.append(h("p", { id: "damaged", class: "notice warning" }, words.codes.damaged(damaged)));
      }
    });
  const file = button("save-file", text.file, "", () =>
    packed(file, async (bytes) => {
      await save(bytes);
      result.replaceChildren(h("p", { id: "saved", class: "notice", role: "status" }, text.saved));
    }),
  );
  const codes = button("show-qr", text.qr, "primary", () => packed(codes, (bytes) => {
      result.replaceChildren(album(parts(bytes)));
      result.scrollIntoView();
    }),
  );
  const node = h(
    "div",
    { class: "stack" },
    h("div", { class: "stack-tight" }, heading(text.saveTitle), h("p", {}, text.saveSentence)),
    field.node,
    h("div", { class: "actions" }, codes, file),
    errors.node,
    result,
    h("p", { class: "small soft" }, text.notAccount),
    button("back", words.back, "text", back),
  );
  // The list of apps shows a picture of this page.
  const clear = () => {
    if (document.visibilityState === "hidden") {
      field.input.value = "";
      result.replaceChildren();
    }
  };
  document.addEventListener("visibilitychange", clear);
  const stop = () => {
    document.removeEventListener("visibilitychange", clear);
    result.replaceChildren();
  };
  return { node, stop };
}

/** Adds what is not here yet; nothing that is here changes. @param {Code[]} given */
async function bringIn(given) {
  await ensureOpen();
  const { codes } = await readCodes();
  const known = new Set(codes.map(sameness));
  const added = given.filter((code) => !known.has(sameness(code)));
  await keepCodes(added);
  return text.broughtIn(added.length, given.length - added.length);
}

/** @param {{done: (sentence: string) => void, back: () => void}} given */
export function bringScreen({ done, back }) {
  const errors = errorLine();
  const view = h("div", { class: "stack-tight" });
  const field = passphraseField(text.theirPassphrase);
  let stopCamera = () => {};
  /** @type {Uint8Array<ArrayBuffer>|null} */
  let piece = null;
  const open = h("button", { id: "submit", type: "submit", class: "primary wide-button" }, text.bring);
  const opening = h("div", { class: "stack-tight", hidden: true }, h("p", { class: "notice", role: "status" }, text.read), field.node, open);

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  const take = async (bytes) => {
    await examine(bytes);
    piece = bytes;
    opening.hidden = false;
    field.input.focus();
  };
  const close = () => {
    stopCamera();
    stopCamera = () => {};
    view.replaceChildren();
  };
  const scan = button("scan", text.scan, "primary", () =>
    void run(scan, errors, async () => {
      close();
      const collected = collector();
      const progress = h("p", { id: "progress", class: "small soft", role: "status" }, text.looking);
      const { node, stop } = await camera((said) => {
        const found = collected.take(said);
        if (!found) {
          errors.say(text.wrong.notPart);
          return false;
        }
        errors.say("");
        progress.textContent = text.progress(found.read, found.total);
        if (!found.whole) {
          return false;
        }
        close();
        take(found.whole).catch((error) => errors.say(error.message));
        return true;
      });
      stopCamera = stop;
      view.replaceChildren(node, progress, button("stop-camera", words.codes.form.stop, "", close));
    }),
  );
  const file = /** @type {HTMLInputElement} */ (
    h("input", {
      id: "file",
      class: "visually-hidden",
      type: "file",
      change: () =>
        void run(file, errors, async () => {
          const [chosen] = file.files ?? [];
          opening.hidden = true;
          if (chosen && chosen.size > FILE_MAX_BYTES) {
            throw new Error(text.wrong.other);
          }
          if (chosen) {
            await take(new Uint8Array(await chosen.arrayBuffer())).finally(() => (file.value = ""));
          }
        }),
    })
  );
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    void run(open, errors, async () => {
      if (piece) {
        const sentence = await bringIn(await unpack(piece, field.input.value));
        announce(sentence);
        done(sentence);
      }
    });
  };
  const node = h(
    "form",
    { class: "stack", novalidate: true, submit },
    h("div", { class: "stack-tight" }, heading(text.bringTitle), h("p", {}, text.bringSentence)),
    h("div", { class: "actions" }, scan, h("label", { class: "button" }, file, text.chooseFile)),
    view,
    opening,
    errors.node,
    button("back", words.back, "text", back),
  );
  return { node, stop: close };
}
