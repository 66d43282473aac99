// The picture beside the fields: each lights up the other; zoom and pan; keys for who checks many.
import { badge, watch } from "./server.js";

const fields = document.getElementById("fields");
const picture = document.querySelector("svg.picture");
const boxOf = (name) => picture?.querySelector(`.box[data-field="${CSS.escape(name)}"]`);
const partOf = (name) => fields?.querySelector(`[data-field="${CSS.escape(name)}"]`);

if (picture) {
  const size = { width: Number(picture.dataset.width), height: Number(picture.dataset.height) };
  const viewer = document.getElementById("viewer");
  let view = null;
  let grip = null;

  // The part of the picture to be seen has the window's own shape, so that a long receipt fills it when it is enlarged.
  const shape = () => picture.clientHeight / picture.clientWidth;
  const widest = () => Math.max(size.width, size.height / shape());
  const look = (wanted) => {
    const width = Math.min(Math.max(wanted.width, widest() / 12), widest());
    const height = width * shape();
    const keep = (start, part, all) => (part >= all ? (all - part) / 2 : Math.min(Math.max(start, 0), all - part));
    view = { x: keep(wanted.x, width, size.width), y: keep(wanted.y, height, size.height), width, height };
    picture.setAttribute("viewBox", [view.x, view.y, view.width, view.height].map((edge) => edge.toFixed(1)).join(" "));
    viewer.classList.toggle("zoomed", zoomed());
  };
  const zoomed = () => view.width < widest() - 1;
  const whole = () => look({ x: 0, y: 0, width: widest() });
  // The point (x, y), given in the picture's coordinates, stays where it is.
  const zoom = (factor, x = view.x + view.width / 2, y = view.y + view.height / 2) =>
    look({ x: x - (x - view.x) / factor, y: y - (y - view.y) / factor, width: view.width / factor });
  const move = (right, down) => look({ ...view, x: view.x + right * view.width, y: view.y + down * view.height });
  const place = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());

  whole();
  new ResizeObserver(() => look(view)).observe(picture);

  const commands = { in: () => zoom(1.5), out: () => zoom(1 / 1.5), fit: whole };
  const tools = viewer.querySelector(".viewer-tools");
  tools.hidden = false;
  tools.addEventListener("click", (event) => commands[event.target.closest("button")?.dataset.zoom]?.());

  const keys = { "+": commands.in, "=": commands.in, "-": commands.out, 0: commands.fit, ArrowLeft: () => move(-0.2, 0), ArrowRight: () => move(0.2, 0), ArrowUp: () => move(0, -0.2), ArrowDown: () => move(0, 0.2) };
  picture.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  picture.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !zoomed()) return; // the page scrolls
    event.preventDefault();
    const { x, y } = place(event);
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, x, y);
  }, { passive: false });
  picture.addEventListener("dblclick", (event) => {
    const { x, y } = place(event);
    zoomed() ? whole() : zoom(2.5, x, y);
  });
  picture.addEventListener("pointerdown", (event) => {
    if (zoomed()) grip = place(event);
  });
  picture.addEventListener("pointermove", (event) => {
    if (!grip) return;
    if (!viewer.classList.contains("moving")) picture.setPointerCapture(event.pointerId);
    viewer.classList.add("moving");
    const now = place(event);
    look({ ...view, x: view.x + grip.x - now.x, y: view.y + grip.y - now.y });
  });
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => {
    grip = null;
    viewer.classList.remove("moving");
  });

  const light = (name, on) => {
    boxOf(name)?.classList.toggle("lit", on);
    partOf(name)?.classList.toggle("lit", on);
  };
  const nameOf = (event) => event.target.closest?.("[data-field]")?.dataset.field;
  for (const [where, on, off] of [[fields, "focusin", "focusout"], [fields, "mouseover", "mouseout"], [picture, "mouseover", "mouseout"]]) {
    where?.addEventListener(on, (event) => nameOf(event) && light(nameOf(event), true));
    where?.addEventListener(off, (event) => nameOf(event) && light(nameOf(event), false));
  }
  // While zoomed in, the box of the field that one is in comes into view.
  fields?.addEventListener("focusin", (event) => {
    const box = nameOf(event) && boxOf(nameOf(event));
    if (!box || !zoomed()) return;
    const { x, y, width, height } = box.getBBox();
    look({ ...view, x: x + width / 2 - view.width / 2, y: y + height / 2 - view.height / 2 });
  });
  picture.addEventListener("click", (event) => {
    const name = event.target.dataset.field;
    if (name) partOf(name)?.querySelector("input, select")?.focus();
  });
}

if (fields) {
  const doubts = [...fields.querySelectorAll("[data-doubt] input, [data-doubt] select")];
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.ctrlKey) fields.requestSubmit();
    else if (event.altKey && event.code === "KeyN") document.getElementById("next")?.click();
    else if (event.altKey && event.code === "KeyJ") (doubts[(doubts.indexOf(document.activeElement) + 1) % doubts.length] ?? fields.elements.merchant).focus();
    else return;
    event.preventDefault();
  });
}

const busy = document.getElementById("busy");
if (busy) {
  watch(busy.dataset.progress, () => [busy.dataset.id], (receipt) => {
    badge(document.getElementById("state"), receipt);
    if (receipt.final) location.reload();
    return receipt.final;
  });
}
