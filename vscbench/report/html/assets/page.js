"use strict";
// Filters over a list that is whole without them. Texts are only ever compared, never made markup.
(() => {
  const form = document.getElementById("filters");
  const search = document.getElementById("filter-text");
  const selects = [...form.querySelectorAll("select[data-filter]")];
  const count = document.getElementById("count");
  const nothing = document.getElementById("nothing");
  const listings = [...document.querySelectorAll(".listing")];

  const readCase = (group, side, reading) => ({
    label: side.dataset.label,
    kind: reading.dataset.kind,
    right: reading.dataset.right,
    category: group.dataset.category,
    variant: group.dataset.variant,
  });
  const groups = [...document.querySelectorAll(".group")].map((group) => ({
    element: group,
    text: null,
    cases: [...group.querySelectorAll(".side")].flatMap((side) =>
      [...side.querySelectorAll(".reading")].map((reading) => readCase(group, side, reading))
    ),
  }));
  const total = groups.reduce((sum, group) => sum + group.cases.length, 0);

  const textOf = (group) => {
    group.text ??= group.element.textContent.toLowerCase();
    return group.text;
  };

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects
      .filter((select) => select.value)
      .map((select) => [select.dataset.filter, select.value]);
    let shown = 0;
    let matching = 0;
    for (const group of groups) {
      const found = group.cases.filter((one) =>
        wanted.every(([name, value]) => one[name] === value)
      ).length;
      const visible = found > 0 && words.every((word) => textOf(group).includes(word));
      group.element.hidden = !visible;
      shown += visible ? group.cases.length : 0;
      matching += visible ? found : 0;
    }
    for (const listing of listings) {
      listing.hidden = !listing.querySelector(".group:not([hidden])");
    }
    nothing.hidden = matching > 0;
    const beside = shown > matching ? `, and ${(shown - matching).toLocaleString("en")} beside them` : "";
    count.textContent =
      matching === total
        ? `${total.toLocaleString("en")} cases`
        : `${matching.toLocaleString("en")} of ${total.toLocaleString("en")} cases match${beside}`;
  };

  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  };
  search.addEventListener("input", soon);
  selects.forEach((select) => select.addEventListener("change", apply));
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });

  // A link to a case that the filters hide must still lead there.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.closest(".group")?.hidden) {
      form.reset();
      apply();
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);

  form.hidden = false;
})();
