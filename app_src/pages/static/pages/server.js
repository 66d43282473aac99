// Talking to our own server: JSON there and back, with the form's CSRF token.

const AT_ONCE = 100;

export class Refused extends Error {}

export async function get(url) {
  return read(await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" }));
}

export async function post(url, token, body = {}) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token };
  return read(await fetch(url, { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" }));
}

async function read(response) {
  if (response.redirected || !(response.headers.get("Content-Type") ?? "").includes("json")) {
    throw new Refused(response.redirected ? "You are logged out. Reload the page." : "The server did not answer as expected.");
  }
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer.detail ?? "The server refused it.");
  return answer;
}

// Ask for the given receipts' progress until all are final. `ids()` gives those still wanted, `show(receipt)` gets each.
export async function watch(url, ids, show) {
  let turn = 0;
  for (let pause = 1000; ids().length; pause = Math.min(pause * 1.3, 8000)) {
    await new Promise((done) => setTimeout(done, pause));
    if (document.hidden) continue;
    // Of very many, another part each time.
    const all = ids();
    const from = (turn++ * AT_ONCE) % (Math.ceil(all.length / AT_ONCE) * AT_ONCE);
    const asked = all.slice(from, from + AT_ONCE).map((id) => `id=${id}`).join("&");
    try {
      for (const receipt of (await get(`${url}?${asked}`)).receipts) {
        if (show(receipt)) pause = 1000;
      }
    } catch (error) {
      if (error instanceof Refused) return;
    }
  }
}

export function badge(element, { state, kind }) {
  element.textContent = state;
  element.className = `badge ${kind}`;
}
