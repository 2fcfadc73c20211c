/** What was answered on this phone. */

import { button, errorLine, h, heading } from "../shared/dom.js";
import { device } from "./api.js";
import { noticesSection } from "./notices.js";
import { words } from "./words.js";

const text = words.history;

/** @typedef {{request: string, app: string, decision: string, at: number, from: string}} Answer */

/** @param {() => void} back */
export function historyScreen(back) {
  const errors = errorLine();
  const list = h("ul", { id: "answers", class: "list" });

  /** @param {Answer} answer */
  const line = (answer) =>
    h(
      "li",
      { "data-decision": answer.decision },
      h("span", { class: "grow" }, h("span", { class: "name" }, text.line(answer.decision, answer.app)), h("br"), answer.from),
      h("time", { class: "small soft whole-row", datetime: new Date(answer.at).toISOString() }, words.when(answer.at)),
    );
  const load = async () => {
    try {
      const { answers } = await device("GET", "/history");
      list.replaceChildren(...(answers.length === 0 ? [h("li", {}, text.empty)] : answers.map(line)));
    } catch (error) {
      errors.say(error instanceof Error ? error.message : "");
    }
  };
  void load();
  const own = h("section", { class: "stack-tight" }, h("h2", {}, text.own), errors.node, list);
  return { node: h("div", { class: "stack" }, heading(text.title), noticesSection(), own, button("back", words.back, "", back)) };
}
