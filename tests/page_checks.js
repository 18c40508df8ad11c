// Returns what is wrong with the page for people who read it with a screen reader or poor sight.
(() => {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.checkVisibility() && !element.closest(".unseen, .skip");

  const luminance = (color) => {
    const parts = color.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const background = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = numbers(getComputedStyle(one).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const contrast = (element) => {
    const [a, b] = [numbers(getComputedStyle(element).color).slice(0, 3), background(element)]
      .map(luminance);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };

  for (const element of all("body *")) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (says && shown(element) && contrast(element) < 4.5) {
      wrong.push(`contrast ${contrast(element).toFixed(2)}: ${element.outerHTML.slice(0, 80)}`);
    }
  }

  const ids = all("[id]").map((element) => element.id);
  wrong.push(...ids.filter((id, n) => ids.indexOf(id) !== n).map((id) => `id twice: ${id}`));
  for (const name of ["aria-labelledby", "aria-describedby", "for"]) {
    for (const element of all(`[${name}]`)) {
      const id = element.getAttribute(name);
      if (!document.getElementById(id)) wrong.push(`${name} leads nowhere: ${id}`);
    }
  }
  for (const control of all("input:not([type=hidden]), select, textarea")) {
    if (!control.labels.length) wrong.push(`no label: ${control.outerHTML}`);
  }
  for (const button of all("button, a")) {
    const name = button.getAttribute("aria-label") || button.textContent;
    if (!name.trim()) wrong.push(`no name: ${button.outerHTML}`);
  }
  for (const part of all("main, nav, header")) {
    if (!part.checkVisibility()) wrong.push(`hidden landmark: ${part.tagName}`);
  }
  for (const tag of ["main", "header", "h1"]) {
    if (all(tag).length !== 1) wrong.push(`not one ${tag}`);
  }
  for (const section of all("main > section")) {
    if (!section.getAttribute("aria-labelledby")) wrong.push(`section without a name`);
  }
  for (const cell of all("thead th, tbody th")) {
    if (!cell.scope) wrong.push(`a heading without a scope: ${cell.textContent}`);
  }
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push(`a level is left out before: ${heading.textContent}`);
    level = next;
  }
  for (const part of all("body *")) {
    const scrolls = part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1;
    const style = getComputedStyle(part);
    const can = /auto|scroll/.test(style.overflowX + style.overflowY);
    if (scrolls && can && part.tabIndex < 0 && shown(part)) {
      wrong.push(`scrolls without the keyboard: ${part.outerHTML.slice(0, 80)}`);
    }
  }
  if (document.documentElement.lang !== "en") wrong.push("no language");
  if (all("a")[0].getAttribute("href") !== "#main") wrong.push("no link to skip to the content");
  if (!document.querySelector("[aria-live=polite]")) wrong.push("nothing announces requests");
  return wrong;
})()
