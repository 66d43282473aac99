// Rows of receipts that are still on their way are filled in when they have been read.
import { badge, watch } from "./server.js";

const list = document.getElementById("receipts");
const rows = new Map([...(list?.querySelectorAll("[data-busy]") ?? [])].map((row) => [row.dataset.id, row]));

if (rows.size) {
  watch(list.dataset.progress, () => [...rows.keys()], (receipt) => {
    const field = (name) => rows.get(receipt.id).querySelector(`[data-field=${name}]`);
    badge(field("state"), receipt);
    if (!receipt.final) return false;
    field("merchant").textContent = receipt.merchant;
    field("date").textContent = receipt.date || "No date";
    field("total").textContent = receipt.total;
    field("reason").textContent = receipt.reason;
    field("reason").hidden = !receipt.reason;
    if (receipt.thumbnail) {
      const picture = Object.assign(new Image(48, 60), { className: "thumb", alt: "", src: receipt.thumbnail });
      rows.get(receipt.id).querySelector(".thumb").replaceWith(picture);
    }
    rows.delete(receipt.id);
    return true;
  });
}
