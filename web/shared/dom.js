/** Building and swapping DOM without HTML strings: text stays text (INV-30). */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node|string|number|null|undefined|false} Child
 * @typedef {Record<string, string|number|boolean|null|undefined|((event: any) => void)>} Attributes
 */

/**
 * @param {Element} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name, value);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child instanceof Node ? child : String(child));
    }
  }
}

/**
 * An HTML element. A function among the attributes becomes a listener of that name: `{click: send}`.
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

/**
 * An SVG element.
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  fill(element, attributes, children);
  return element;
}

/**
 * A heading that can take the focus when its screen appears.
 * @param {...Child} children
 */
export function heading(...children) {
  return h("h1", { tabindex: "-1" }, ...children);
}

/**
 * A button. `kind` is its class: "primary", "danger", "text" or empty.
 * @param {string} id
 * @param {string} label
 * @param {string} kind
 * @param {(event: Event) => void} click
 */
export function button(id, label, kind, click) {
  return h("button", { id, type: "button", class: kind, click }, label);
}

/** Digits of a number or confirmation. */
export const SIX_DIGITS = 6;

/**
 * A field for six digits: numeric keypad, nothing but digits.
 * @param {string} id
 * @param {string} [describedBy] id of the sentence that explains it
 */
export function sixDigits(id, describedBy) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      id,
      class: "number",
      type: "text",
      inputmode: "numeric",
      pattern: "[0-9]*",
      autocomplete: "off",
      ...(describedBy ? { "aria-describedby": describedBy } : {}),
      input: () => {
        input.value = input.value.replace(/\D/g, "").slice(0, SIX_DIGITS);
      },
    })
  );
  return input;
}

/**
 * A paragraph that is empty until something must be said, then is read out at once.
 * @param {string} id
 */
export function errorLine(id = "error") {
  const line = h("p", { id, class: "notice danger", role: "alert", hidden: true });
  return {
    node: line,
    /** @param {string} sentence empty to clear */
    say(sentence) {
      line.hidden = sentence === "";
      line.textContent = sentence;
    },
  };
}

/**
 * Says something to people who listen instead of looking.
 * @param {string} sentence
 */
export function announce(sentence) {
  const live = document.getElementById("live");
  if (live && live.textContent !== sentence) {
    live.textContent = sentence;
  }
}

/**
 * Shows a screen in `#phase`, names it in `data-phase`, and moves the focus to its heading unless the page just opened.
 * @param {string} name
 * @param {Node} node
 */
export function show(name, node) {
  const phase = /** @type {HTMLElement} */ (document.getElementById("phase"));
  const opening = phase.dataset.phase === "loading";
  phase.replaceChildren(node);
  phase.dataset.phase = name;
  const title = phase.querySelector("h1");
  if (title) {
    document.title = `${title.textContent} – ${phase.dataset.server}`;
    if (!opening) {
      title.focus();
      window.scrollTo(0, 0);
    }
  }
}

/**
 * Runs an action of a button: no second press meanwhile, and a sentence if it fails.
 * @param {HTMLElement} control
 * @param {{say: (sentence: string) => void}} errors
 * @param {() => Promise<void>} action
 */
export async function run(control, errors, action) {
  errors.say("");
  control.setAttribute("disabled", "");
  try {
    await action();
  } catch (error) {
    errors.say(error instanceof Error ? error.message : String(error));
  } finally {
    control.removeAttribute("disabled");
  }
}
