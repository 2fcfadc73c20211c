// What is wrong with the page on the screen, as sentences: overflow, names, targets, contrast (web/README.md, rules).
(() => {
  const TARGET = 44;
  const CONTRAST = 4.5;
  document.getAnimations().filter((one) => one instanceof CSSTransition).forEach((one) => one.finish());
  const wrong = [];
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const called = (element) => element.id || element.textContent.trim().slice(0, 30) || element.outerHTML.slice(0, 60);
  const hidden = (element) => element.closest(".visually-hidden") !== null;

  const { scrollWidth } = document.documentElement;
  if (scrollWidth > innerWidth) {
    wrong.push(`the page is ${scrollWidth} px wide on ${innerWidth}`);
  }
  if (document.querySelectorAll("h1").length !== 1) {
    wrong.push("there is not exactly one h1");
  }
  const controls = [...document.querySelectorAll("button, a[href], input, summary")].filter(shown).filter((one) => !hidden(one));
  for (const control of controls) {
    const name = control.innerText?.trim() || control.getAttribute("aria-label") || [...(control.labels ?? [])].map((label) => label.innerText).join(" ");
    if (!name) {
      wrong.push(`${called(control)} has no name`);
    }
    // A label belongs to the target of its box or circle.
    const area = ["checkbox", "radio"].includes(control.type) ? control.labels[0] : control;
    const { height } = area.getBoundingClientRect();
    if (height < TARGET) {
      wrong.push(`${called(control)} is ${Math.round(height)} px high`);
    }
  }

  /** Red, green, blue and alpha of a CSS colour, 0 to 1. */
  const painter = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const colour = (css) => {
    painter.clearRect(0, 0, 1, 1);
    painter.fillStyle = css;
    painter.fillRect(0, 0, 1, 1);
    return [...painter.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((part, index) => part * a + below[index] * (1 - a));
  const background = (element) => {
    if (!element) {
      return over(colour(getComputedStyle(document.documentElement).backgroundColor), colour("Canvas"));
    }
    const own = colour(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, background(element.parentElement));
  };
  // WCAG 2.2, relative luminance and contrast ratio.
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = (rgb) => rgb.map(linear).reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !shown(element) || hidden(element) || element.closest("[disabled], noscript, script")) {
      continue;
    }
    const below = background(element);
    const [one, other] = [luminance(over(colour(getComputedStyle(element).color), below)), luminance(below)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < CONTRAST) {
      wrong.push(`"${called(element)}" has a contrast of ${ratio.toFixed(1)}`);
    }
  }
  return wrong;
})()
