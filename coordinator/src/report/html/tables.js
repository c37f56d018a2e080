"use strict";
// Sorts tables by a click on a title, filters endpoints, and opens what a row says.
(() => {
  // `8 (4.57%)` is 8, `1:02:05` is 3725, `-` is nothing.
  const number = (text) => {
    if (/^\d+(:\d\d)+$/.test(text)) return text.split(":").reduce((sum, part) => sum * 60 + +part, 0);
    const value = parseFloat(text);
    return Number.isNaN(value) ? null : value;
  };

  const text = (row, column) => row.cells[column].textContent.trim();

  // What has no value stands last, in either direction.
  const sorted = (rows, column, isText, down) => {
    const keyed = rows.map((row) => [isText ? text(row, column) : number(text(row, column)), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const order = isText ? a.localeCompare(b) : a - b;
      return down ? -order : order;
    });
    return keyed.map(([, row]) => row);
  };

  const sort = (table, title, down) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].filter((row) => !row.classList.contains("detail"));
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    title.setAttribute("aria-sort", down ? "descending" : "ascending");
    const behind = new Map(rows.map((row) => [row, row.nextElementSibling]));
    for (const row of sorted(rows, title.cellIndex, title.classList.contains("t"), down)) {
      body.append(row);
      const detail = behind.get(row);
      if (detail && detail.classList.contains("detail")) body.append(detail);
    }
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const title of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = title.textContent;
      title.replaceChildren(button);
      title.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const now = title.getAttribute("aria-sort");
        // Numbers are mostly looked at from the largest down.
        const first = title.classList.contains("t") ? "ascending" : "descending";
        sort(table, title, now === "none" ? first === "descending" : now === "ascending");
      });
    }
  }

  const toggle = (row) => {
    const detail = row.nextElementSibling;
    detail.hidden = !detail.hidden;
    row.querySelector("button").setAttribute("aria-expanded", String(!detail.hidden));
    if (!detail.hidden) stampede.draw(detail);
  };

  for (const detail of document.querySelectorAll("tr.detail")) {
    const row = detail.previousElementSibling;
    const name = row.querySelector("th");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name.textContent;
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", detail.id);
    name.replaceChildren(button);
    row.classList.add("opens");
    row.addEventListener("click", () => {
      // Somebody who selects text wants the text.
      if (String(getSelection()) === "") toggle(row);
    });
  }

  const filter = document.getElementById("filter");
  const rows = [...document.querySelectorAll("#requests-table tbody tr.row")];
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = (text(row, 0) + " " + text(row, 1)).toLowerCase().includes(wanted);
      const detail = row.nextElementSibling;
      const open = row.querySelector("[aria-expanded=true]");
      row.hidden = !fits;
      if (detail && detail.classList.contains("detail")) detail.hidden = !fits || !open;
      shown += fits;
    }
    document.getElementById("filtered").textContent = wanted ? shown + " of " + rows.length : "";
  });
})();
