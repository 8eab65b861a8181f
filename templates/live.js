// Live without reload. Every part that can change carries `data-live` and an id. When the feed speaks, the page is
// fetched again and only the parts that differ are put in place: what is typed, folded and focused stays.
(() => {
  const root = document.documentElement;
  root.classList.add("has-script");
  const feed = document.body.dataset.feed;
  if (!feed || !window.EventSource) return;
  const lamp = document.querySelector(".live");
  let busy = false, again = false;

  // A fold's own id, or its place in the comment that it stands in.
  const key = (fold) => {
    if (fold.id) return fold.id;
    const home = fold.closest("[id]");
    return home ? home.id + "/" + [...home.querySelectorAll("details")].indexOf(fold) : "";
  };
  const fold = (from, to) => {
    const news = new Map([...to.querySelectorAll("details")].map((now) => [key(now), now]));
    for (const old of from.querySelectorAll("details[data-touched]")) {
      const now = news.get(key(old));
      if (now) { now.open = old.open; now.dataset.touched = "1"; }
    }
    for (const old of from.querySelectorAll(".log[id]")) {
      const now = to.querySelector("#" + CSS.escape(old.id));
      const atEnd = old.scrollHeight - old.scrollTop - old.clientHeight < 40;
      if (now) requestAnimationFrame(() => { now.scrollTop = atEnd ? now.scrollHeight : old.dataset.top || 0; });
      old.dataset.top = old.scrollTop;
    }
  };
  const swap = (page) => {
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh || part.dataset.html === fresh.innerHTML) continue;
      const focus = part.contains(document.activeElement) ? document.activeElement.id : "";
      const html = fresh.innerHTML;
      if (!part.dataset.html && part.innerHTML === html) { part.dataset.html = html; continue; }
      fold(part, fresh);
      part.replaceChildren(...fresh.childNodes);
      part.className = fresh.className;
      part.dataset.html = html;
      if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    }
    document.title = page.title;
  };
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    do {
      again = false;
      try {
        const answer = await fetch(location.href, { credentials: "same-origin" });
        if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
      } catch { /* the feed's own reconnect brings the next try */ }
      await new Promise((done) => setTimeout(done, 250));
    } while (again);
    busy = false;
  };
  document.addEventListener("click", (e) => {
    const folded = e.target.closest?.("summary")?.parentElement;
    if (folded) folded.dataset.touched = "1";
  });
  let opened = false;
  const source = new EventSource(feed);
  source.onopen = () => { lamp?.classList.add("on"); if (opened) refresh(); opened = true; };
  source.onerror = () => lamp?.classList.remove("on");
  source.onmessage = refresh;
  source.addEventListener("end", () => { refresh(); source.close(); });
})();
