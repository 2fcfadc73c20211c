/** The app's language, kept where the worker can read it: a worker sees neither the page nor its cookies. */

import { language } from "../shared/language.js";
import { inDatabase } from "./database.js";

const LANGUAGE = "language";
const within = inDatabase("nod-language", { [LANGUAGE]: "id" });

/** Notifications speak it from now on. */
export const tellWorker = () => within(LANGUAGE, "readwrite", (store) => store.put({ id: LANGUAGE, tag: language }));

/** @returns {Promise<string|undefined>} nothing until the app has run once */
export const toldLanguage = () =>
  within(LANGUAGE, "readonly", (store) => store.get(LANGUAGE)).then(
    (told) => told?.tag,
    () => undefined,
  );
