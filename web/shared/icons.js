/** Line icons that stand beside words, never instead of them. */

import { svg } from "./dom.js";

/** @type {Record<string, string>} */
const PATHS = {
  computer: "M3 5h18v11H3zM9 20h6M12 16v4",
  phone: "M8 2.5h8a1.5 1.5 0 0 1 1.5 1.5v16a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 20V4A1.5 1.5 0 0 1 8 2.5zM11 18.5h2",
  key: "M11.5 12a4.25 4.25 0 1 1-8.5 0a4.25 4.25 0 0 1 8.5 0zM11.5 12H21v3.5M17 12v2.5",
};

/**
 * @param {keyof typeof PATHS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  return svg(
    "svg",
    { viewBox: "0 0 24 24", "aria-hidden": "true", fill: "none", stroke: "currentColor", "stroke-width": 1.75, "stroke-linecap": "round", "stroke-linejoin": "round" },
    svg("path", { d: PATHS[name] }),
  );
}
