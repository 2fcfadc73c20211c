/** Sends what was pressed. */

import { ApiError, call } from "../shared/api.js";

/**
 * An answer may name the page that comes next; a refusal, the page where the person can put it right: a new sign-in.
 * @param {string} path
 * @param {unknown} body
 */
export async function send(path, body) {
  const answer = await call("POST", path, body).catch((error) => {
    if (error instanceof ApiError && error.status === 401) {
      error.location = "/sign-in";
    }
    if (!(error instanceof ApiError && error.location)) {
      throw error;
    }
    return error;
  });
  if (answer?.location) {
    location.assign(answer.location);
    // The page is being left: nothing after this may run.
    await new Promise(() => {});
  }
  return answer;
}
