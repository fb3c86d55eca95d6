"use strict";
// Search, filters and folding. The page is whole without this script: it only hides, unfolds and copies.
(() => {
  const form = document.querySelector(".filters");
  const query = document.getElementById("query");
  const specification = document.getElementById("specification");
  const status = document.getElementById("status");
  const unfold = document.getElementById("unfold");
  const boxes = [...form.querySelectorAll("input[name=verdict]")];
  const rows = [...document.querySelectorAll("tr[data-verdict]")];
  const cards = [...document.querySelectorAll("article[data-verdict]")];
  const holders = [...document.querySelectorAll(".rows tbody, .part, .group")];
  const nothing = document.querySelector(".nothing");
  const texts = new Map();

  const text = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };

  const filter = () => {
    const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (element) =>
      verdicts.has(element.dataset.verdict) &&
      (!specification.value || element.dataset.specification === specification.value) &&
      words.every((word) => text(element).includes(word));
    let shown = 0;
    for (const row of rows) {
      row.hidden = !fits(row);
      if (!row.hidden) shown += 1;
    }
    for (const card of cards) card.hidden = !fits(card);
    for (const holder of holders) {
      holder.hidden = !holder.querySelector("[data-verdict]:not([hidden])");
    }
    nothing.hidden = shown > 0;
    status.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} requirements are shown`;
  };

  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(filter, 120);
  };
  query.addEventListener("input", soon);
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));

  unfold.addEventListener("click", () => {
    const open = unfold.getAttribute("aria-pressed") !== "true";
    unfold.setAttribute("aria-pressed", String(open));
    for (const card of cards) {
      if (card.hidden) continue;
      for (const evidence of card.querySelectorAll("details.evidence")) evidence.open = open;
    }
  });

  // A link to something that the filters hide shows everything again.
  const reach = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) {
      form.reset();
      setTimeout(() => target.scrollIntoView());
    }
  };
  addEventListener("hashchange", reach);

  // A button beside each command that is unfolded.
  document.addEventListener("toggle", (event) => {
    if (!event.target.open) return;
    for (const command of event.target.querySelectorAll("pre.curl:not([data-ready])")) {
      command.dataset.ready = "";
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.setAttribute("aria-label", "Copy the command");
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(command.textContent);
          button.textContent = "Copied";
        } catch {
          getSelection().selectAllChildren(command);
          button.textContent = "Selected";
        }
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      command.previousElementSibling.append(button);
    }
  }, true);

  // On a narrow screen the answers come first: the filters wait folded.
  if (matchMedia("(max-width: 60rem)").matches) form.querySelector("details").open = false;
  form.hidden = false;
  filter();
})();
