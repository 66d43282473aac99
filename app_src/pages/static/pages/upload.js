// Pictures go straight from here to S3: announce one, send it by the form that comes back, say that it is there.
import { badge, post, Refused, watch } from "./server.js";

const AT_ONCE = 3;
const GAP = 400; // milliseconds
const TYPES = ["image/jpeg", "image/png", "image/webp"];

const form = document.getElementById("upload");
const token = form.elements.csrfmiddlewaretoken.value;
const maxBytes = Number(form.dataset.maxBytes);
const list = document.getElementById("list");
const retryAll = document.getElementById("retry-all");
const overall = document.getElementById("overall");
const words = document.getElementById("overall-words");
const uploads = [];
let sending = 0;
let lastTurn = 0;
let watching = false;

class Upload {
  constructor(file, many, bulk) {
    this.file = file;
    this.many = many;
    this.bulk = bulk;
    this.step = "waiting"; // sending, reading, done, failed; refused: another try would not help
    this.part = 0;
    this.row = document.getElementById("row").content.firstElementChild.cloneNode(true);
    this.row.querySelector(".name").textContent = file.name;
    this.bar = this.row.querySelector("progress");
    this.bar.setAttribute("aria-label", file.name);
    this.retry = this.row.querySelector("button");
    this.retry.setAttribute("aria-label", `Send ${file.name} again`);
    this.retry.addEventListener("click", () => this.again());
    list.append(this.row);
    const why = refusal(file);
    this.to(why ? "refused" : "waiting", why);
  }

  to(step, reason = "") {
    this.step = step;
    const state = { waiting: ["Waiting", "busy"], sending: ["Sending", "busy"], reading: ["Being read", "busy"], failed: ["Not sent", "bad"], refused: ["Refused", "bad"] }[step];
    if (state) badge(this.row.querySelector(".badge"), { state: state[0], kind: state[1] });
    const says = this.row.querySelector(".reason");
    says.textContent = reason;
    says.hidden = !reason;
    this.bar.hidden = step !== "sending" && step !== "waiting";
    this.retry.hidden = step !== "failed";
    summary();
  }

  again() {
    this.part = 0;
    this.to("waiting");
    next();
  }

  async send() {
    sending += 1;
    this.to("sending");
    const picture = this.row.querySelector(".thumb.blank");
    if (picture) createImageBitmap(this.file, { resizeWidth: 96 }).then((bitmap) => draw(bitmap, picture), () => {});
    try {
      if (this.many) await turn();
      // A form that has served, or has expired, is not used again: each try has its own.
      const { name, type, size } = this.file;
      const made = await post(form.dataset.announce, token, { file_name: name.slice(-255), content_type: type, size, bulk_upload: await this.bulk() });
      await this.store(made.upload);
      await post(`${form.dataset.announce.replace("announce", made.id)}complete/`, token);
      this.id = made.id;
      this.to("reading");
      follow();
    } catch (error) {
      this.to("failed", error instanceof Refused ? error.message : "The connection broke.");
    }
    sending -= 1;
    next();
  }

  store({ url, fields }) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    body.append("file", this.file);
    return new Promise((stored, broke) => {
      const request = new XMLHttpRequest(); // fetch does not tell how much it has sent
      request.upload.onprogress = ({ loaded, total }) => {
        this.part = this.bar.value = loaded / total;
        summary();
      };
      request.onload = () => (request.status < 300 ? stored() : broke(new Refused(`Storage refused the picture${code(request.responseText)}.`)));
      request.onerror = () => broke(new Refused(`The image store at ${new URL(url).origin} was not reached.`));
      request.open("POST", url);
      request.send(body);
    });
  }

  read(receipt) {
    badge(this.row.querySelector(".badge"), receipt);
    if (!receipt.final) return false;
    this.to("done", receipt.reason);
    const name = this.row.querySelector(".name");
    name.textContent = [receipt.merchant, receipt.total].filter(Boolean).join(", ");
    name.href = receipt.url;
    summary();
    return true;
  }
}

// The firewall lets one address ask 2,000 times in five minutes; each picture asks twice.
async function turn() {
  const wait = Math.max(0, lastTurn + GAP - Date.now());
  lastTurn = Date.now() + wait;
  await new Promise((done) => setTimeout(done, wait));
}

function refusal(file) {
  if (!TYPES.includes(file.type)) return "Only JPEG, PNG and WebP pictures can be read.";
  if (file.size > maxBytes) return `It has ${(file.size / 2 ** 20).toFixed(1)} MB; at most ${(maxBytes / 2 ** 20).toFixed(1)} MB can be sent.`;
  return file.size ? "" : "The file is empty.";
}

function code(answer) {
  const found = /<Code>(\w+)<\/Code>/.exec(answer);
  return found ? ` (${found[1]})` : "";
}

// A data or blob address would have to be allowed in the page's policy: a canvas needs none.
function draw(bitmap, picture) {
  const canvas = document.createElement("canvas");
  canvas.className = "thumb";
  [canvas.width, canvas.height] = [96, 120];
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  picture.replaceWith(canvas);
}

function add(files) {
  document.getElementById("progress").hidden = false;
  // One promise for all of them: the first that needs the number asks for it.
  let number = null;
  const ask = () => post(form.dataset.announceMany, token).then(({ id }) => id, (error) => {
    number = null; // a later try asks anew
    throw error;
  });
  const many = files.length >= form.dataset.many;
  const bulk = many ? () => (number ??= ask()) : () => null;
  for (const file of files) uploads.push(new Upload(file, many, bulk));
  next();
}

function next() {
  const waiting = uploads.filter((upload) => upload.step === "waiting");
  for (const upload of waiting.slice(0, AT_ONCE - sending)) upload.send();
}

function follow() {
  if (watching) return;
  watching = true;
  const reading = () => uploads.filter((upload) => upload.step === "reading");
  watch(form.dataset.progress, () => reading().map(({ id }) => id), (receipt) => reading().find(({ id }) => id === receipt.id)?.read(receipt))
    .finally(() => { watching = false; });
}

function summary() {
  const count = (...steps) => uploads.filter(({ step }) => steps.includes(step)).length;
  const wanted = uploads.length - count("refused");
  overall.max = Math.max(wanted, 1);
  // Sending is one half of the way, reading the other.
  overall.value = count("done") + count("reading") / 2 + uploads.reduce((sum, { step, part }) => sum + (step === "sending" ? part / 2 : 0), 0);
  const said = [`${count("done")} of ${wanted} read`];
  if (count("sending", "waiting")) said.push(`${count("sending", "waiting")} to send`);
  if (count("failed")) said.push(`${count("failed")} not sent`);
  if (count("refused")) said.push(`${count("refused")} refused`);
  // Said aloud by screen readers: only when it says something else.
  if (words.textContent !== said.join(", ")) words.textContent = said.join(", ");
  retryAll.hidden = count("failed") < 2;
}

for (const id of ["files", "camera"]) {
  const input = document.getElementById(id);
  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });
}
retryAll.addEventListener("click", () => uploads.filter(({ step }) => step === "failed").forEach((upload) => upload.again()));
form.addEventListener("submit", (event) => event.preventDefault());
// A picture dropped beside the field must not replace the page.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
document.addEventListener("dragover", () => form.classList.add("over"));
for (const name of ["dragleave", "drop"]) document.addEventListener(name, () => form.classList.remove("over"));
document.addEventListener("drop", (event) => add(event.dataTransfer.files));
window.addEventListener("beforeunload", (event) => sending && event.preventDefault());
