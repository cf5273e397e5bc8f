// What pages gain with JavaScript: copying with one click, charts that can be read at any point, dialogs in place of
// pages that ask, and a menu that is closed on a narrow screen. Every page works without this file.
"use strict";

(() => {
  const narrow = window.matchMedia("(max-width: 56rem)");

  function settleMenu() {
    const menu = document.querySelector("details.menu");
    if (menu) menu.open = !narrow.matches;
  }

  function showCopyButtons(root) {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
  }

  async function copy(button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    const said = button.querySelector(".unseen, .copy-said");
    const before = said.textContent;
    said.textContent = "Copied";
    button.classList.add("copied");
    setTimeout(() => { said.textContent = before; button.classList.remove("copied"); }, 1500);
  }

  // -- charts: uPlot in the place of the picture, fed by the table of the same numbers --------------------------------

  function numbersOf(figure) {
    const heads = [...figure.querySelectorAll("thead th[data-series]")];
    const rows = [...figure.querySelectorAll("tbody tr")];
    const times = rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000);
    const columns = heads.map((_, place) => rows.map((row) => Number(row.cells[place + 1].textContent)));
    return { heads, times, columns };
  }

  function stackedUp(columns) {
    return columns.map((_, upto) => columns[0].map((_, row) =>
      columns.slice(0, upto + 1).reduce((sum, column) => sum + column[row], 0)));
  }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // As words.py writes it on the server.
  function latency(microseconds) {
    if (microseconds < 1000) return `${Math.round(microseconds)} µs`;
    const milliseconds = microseconds / 1000;
    return milliseconds < 1000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
  }

  function wordOf(figure) {
    return figure.dataset.unit === "latency" ? latency : (number) => number.toLocaleString("en");
  }

  function seriesOf(heads, columns, word) {
    const shown = heads.map((head, place) => ({
      label: head.textContent,
      fill: colour(`--${head.dataset.series.slice(2)}`),
      width: 0,
      paths: uPlot.paths.bars({ size: [0.82, 60] }),
      points: { show: false },
      value: (_, __, ___, row) => (row === null ? "–" : word(columns[place][row])),
    }));
    return shown.reverse(); // the tallest is drawn first, and the others over it
  }

  function timesOf(times) {
    const format = uPlot.fmtDate(times[times.length - 1] - times[0] > 2 * 86400 ? "{D} {MMM}" : "{HH}:{mm}");
    return (_, marks) => marks.map((at) => format(uPlot.tzDate(new Date(at * 1000), "Etc/UTC")));
  }

  function drawn(figure) {
    if (typeof uPlot === "undefined" || figure.classList.contains("is-live")) return;
    const { heads, times, columns } = numbersOf(figure);
    if (times.length < 2) return;
    const place = figure.querySelector(".plot");
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const word = wordOf(figure);
    const heights = "overlaid" in figure.dataset ? columns : stackedUp(columns);
    figure.classList.add("is-live");
    place.replaceChildren();
    figure.querySelector(".plot-labels").hidden = true;
    const options = {
      width: place.clientWidth, height: 210, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      cursor: { points: { show: false }, drag: { x: true, y: false } },
      scales: { y: { range: (_, __, most) => [0, Math.max(most, 1) * 1.05] } },
      axes: [{ ...axis, grid: { show: false }, values: timesOf(times), font: "12px Inter, sans-serif" }, { ...axis, size: 64, values: (_, marks) => marks.map(word), font: "12px Inter, sans-serif", incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7] }],
      series: [{ label: "UTC", value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...seriesOf(heads, columns, word)],
    };
    const chart = new uPlot(options, [times, ...[...heights].reverse()], place);
    new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 210 })).observe(figure);
  }

  // -- a link to a page that asks opens it as a dialog ---------------------------------------------------------------

  async function openModal(link) {
    const answer = await fetch(link.href, { headers: { "HX-Request": "true" } });
    if (!answer.ok) { window.location.assign(link.href); return; }
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", link.textContent.trim());
    dialog.append(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  // -- forms ---------------------------------------------------------------------------------------------------------

  function previewHeader(form) {
    const shown = form.querySelector("[data-header]");
    if (!shown) return;
    const chosen = [...form.querySelectorAll("[name=api]:checked")].map((one) => one.dataset.algorithm).find(Boolean);
    const method = form.elements.algorithm;
    if (chosen) method.options[0].textContent = `As the API expects: ${chosen}`;
    const preset = method.options[0].textContent.split(": ")[1];
    const kid = form.elements.key_id.value.trim() || "this key's ID";
    const header = { alg: method.value || preset, typ: "JWT", kid };
    shown.textContent = JSON.stringify(header).replaceAll('":', '": ').replaceAll(',"', ', "');
  }

  function goToLine(link) {
    const text = document.getElementById("document");
    const lines = text.value.split("\n");
    const start = lines.slice(0, link.dataset.line - 1).join("\n").length + (link.dataset.line > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[link.dataset.line - 1] ?? "").length);
  }

  // -- the request log as it grows: rows come as events, each with the number of its entry ---------------------------

  const ROWS_KEPT = 200;

  function added(place, event) {
    if (place.querySelector(`[data-entry="${event.lastEventId}"]`)) return;
    const piece = document.createElement("template");
    piece.innerHTML = event.data; // from our own template, which escapes what others wrote
    const body = place.querySelector("tbody");
    body.prepend(piece.content);
    while (body.rows.length > ROWS_KEPT) body.deleteRow(-1);
  }

  function follow(place) {
    if (place.classList.contains("is-live") || !window.EventSource) return;
    place.classList.add("is-live");
    const said = document.getElementById("follow-said");
    const source = new EventSource(place.dataset.follow);
    source.addEventListener("open", () => { said.textContent = "Following."; });
    source.addEventListener("message", (event) => added(place, event));
    source.addEventListener("skipped", (event) => { said.textContent = event.data; });
    source.addEventListener("ended", (event) => { said.textContent = event.data; source.close(); });
    source.addEventListener("error", () => {
      const isOver = source.readyState === EventSource.CLOSED;
      said.textContent = isOver ? "Not following any more. Load the page anew." : "The connection was lost; trying again.";
    });
    window.addEventListener("pagehide", () => source.close());
  }

  function enhance(root) {
    for (const form of root.querySelectorAll(".key-form")) previewHeader(form);
    for (const form of root.querySelectorAll("[data-goes-on]")) form.requestSubmit(form.querySelector("button"));
    for (const place of root.querySelectorAll("[data-follow]")) follow(place);
    showCopyButtons(root);
    for (const figure of root.querySelectorAll("[data-chart]")) drawn(figure);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) { copy(button); return; }
    const place = event.target.closest("a[data-line]");
    if (place) { event.preventDefault(); goToLine(place); return; }
    const link = event.target.closest("a[data-modal]");
    if (link && !event.metaKey && !event.ctrlKey) { event.preventDefault(); openModal(link); }
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest(".key-form");
    if (form) previewHeader(form);
  });
  document.addEventListener("htmx:afterSettle", (event) => enhance(event.detail.elt.isConnected ? event.detail.elt : document));
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status === 422) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });
  narrow.addEventListener("change", settleMenu);
  document.addEventListener("DOMContentLoaded", () => { settleMenu(); enhance(document); });
})();
