/** The mark, the ring of time left, and digits in groups. */

import { h, svg } from "./dom.js";
import { words } from "./words.js";

/** Seconds below which the ring changes colour. */
const SHORT_SECONDS = 10;

/**
 * @param {"still"|"waiting"|"approve"|"deny"} motion
 * @returns {SVGElement}
 */
export function mark(motion) {
  return svg(
    "svg",
    { class: "mark quiet-mark", "data-motion": motion, viewBox: "0 0 48 48", "aria-hidden": "true" },
    svg("circle", { cx: 24, cy: 24, r: 20, fill: "none", stroke: "currentColor", "stroke-width": 4 }),
    svg("g", { class: "head" }, svg("circle", { cx: 24, cy: 17, r: 6, fill: "currentColor" })),
  );
}

/**
 * Digits or a code, large, in groups; read out one by one.
 * @param {string} id
 * @param {string} text
 * @param {number} size characters in a group
 * @param {string} [kind] further class
 */
export function grouped(id, text, size, kind = "") {
  const groups = text.match(new RegExp(`.{1,${size}}`, "g")) ?? [];
  return h(
    "p",
    { id, class: `digits ${kind}`, "data-value": text, role: "img", "aria-label": groups.map((group) => [...group].join(" ")).join(", ") },
    ...groups.map((group) => h("span", {}, group)),
  );
}

/** A ring that empties: `set` takes the part that is left, 0 to 1, and whether that is short. */
export function ring() {
  const left = svg("circle", { class: "left", cx: 16, cy: 16, r: 13, pathLength: 100 });
  const node = svg("svg", { class: "ring", viewBox: "0 0 32 32", "aria-hidden": "true" }, svg("circle", { cx: 16, cy: 16, r: 13 }), left);
  return {
    node,
    /** @param {number} part @param {boolean} short */
    set: (part, short) => {
      left.style.setProperty("--left", String(100 * part));
      node.dataset.short = String(short);
    },
  };
}

/**
 * Time left as a ring and words. It runs on the page's own steady clock, set by the server's `now`.
 * @param {{expiresAt: number, now: number, startedAt?: number, done?: () => void}} times Unix milliseconds
 */
export function countdown({ expiresAt, now, startedAt, done }) {
  const end = performance.now() + (expiresAt - now);
  const whole = Math.max(1, expiresAt - (startedAt ?? now));
  const circle = ring();
  const text = h("span", { id: "time-left" });
  let timer = 0;

  const tick = () => {
    const milliseconds = Math.max(0, end - performance.now());
    const seconds = Math.ceil(milliseconds / 1000);
    circle.set(milliseconds / whole, seconds <= SHORT_SECONDS);
    text.textContent = words.timeLeft(seconds);
    if (milliseconds === 0) {
      clearInterval(timer);
      done?.();
    }
  };
  timer = window.setInterval(tick, 1000);
  tick();

  return { node: h("div", { class: "time-left" }, circle.node, text), stop: () => clearInterval(timer) };
}
