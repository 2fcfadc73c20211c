/** QR codes: read from the camera or a picture, here on the phone. One library for all browsers, because half of them have no
 *  reader of their own (docs/decisions/0002-dependencies.md). */

import { h } from "../shared/dom.js";
import { decodeQR } from "../vendor/qr/decode.js";
import { words } from "./words.js";

const text = words.codes.camera;
/** Longest side of a frame that is looked at, pixels: enough for dense codes, quick on slow phones. */
const FRAME_SIDE = 720;
/** Longest side of a picture. */
const PICTURE_SIDE = 1600;
/** Pause between frames, milliseconds. */
const PAUSE_MS = 120;

/**
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 * @param {number} longest
 * @returns {string|null} what the code says
 */
function read(source, width, height, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const painter = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  painter.drawImage(source, 0, 0, canvas.width, canvas.height);
  try {
    return decodeQR(painter.getImageData(0, 0, canvas.width, canvas.height));
  } catch {
    return null;
  }
}

/**
 * @param {Blob} file
 * @returns {Promise<string>} what the code in the picture says
 */
export async function readPicture(file) {
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error(text.noPicture);
  });
  const found = read(picture, picture.width, picture.height, PICTURE_SIDE);
  picture.close();
  if (found === null) {
    throw new Error(text.noCode);
  }
  return found;
}

/** @returns {Promise<MediaStream>} */
async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error(text.none);
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    throw new Error(error instanceof DOMException && error.name === "NotAllowedError" ? text.refused : text.none);
  }
}

/**
 * Shows what the camera sees and reads codes until `found` has had enough.
 * @param {(text: string) => boolean} found whether that was the one that was wanted
 * @returns {Promise<{node: HTMLElement, stop: () => void}>}
 */
export async function camera(found) {
  const stream = await openCamera();
  const video = /** @type {HTMLVideoElement} */ (
    h("video", { id: "camera", class: "camera", playsinline: true, autoplay: true, "aria-label": words.codes.form.looking })
  );
  video.muted = true;
  video.srcObject = stream;
  let open = true;
  const stop = () => {
    open = false;
    stream.getTracks().forEach((track) => track.stop());
    video.remove();
  };
  const look = () => {
    if (!open) {
      return;
    }
    const said = video.videoWidth > 0 ? read(video, video.videoWidth, video.videoHeight, FRAME_SIDE) : null;
    if (said !== null && found(said)) {
      stop();
      return;
    }
    setTimeout(look, PAUSE_MS);
  };
  look();
  return { node: video, stop };
}
