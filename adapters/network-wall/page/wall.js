// The living page. The server writes every card; this puts them in their place, lets times age, and keeps the line.
// It makes no markup of its own and holds no words: they come with the page, in the language of the site.
"use strict";

(() => {
  const living = JSON.parse(document.body.dataset.living);
  const words = living.words;
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);

  // ---- Times: the same words by the same rules as the first paint.

  const skew = living.loaded - Date.now(); // The clock of the plant rules, not that of this screen.
  const now = () => Date.now() + skew;
  let zoned = null;
  try {
    zoned = new Intl.DateTimeFormat("en-GB", { timeZone: living.timezone, hourCycle: "h23", year: "numeric",
      month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
  } catch { /* A browser without this zone keeps the times of the first paint. */ }

  const parts = (ms) => Object.fromEntries(zoned.formatToParts(ms).map((part) => [part.type, part.value]));
  const dayOf = (part) => `${part.year}-${part.month}-${part.day}`;

  function clock(ms, today) {
    const part = parts(ms);
    const time = `${part.hour}:${part.minute}`;
    if (dayOf(part) === today) return time;
    return fill(words.date_time, { day: part.day, month: words.months[part.month - 1], time });
  }

  // The end of a span says its date only when it is not that of the beginning.
  function until(from, to, today) {
    const day = dayOf(parts(from));
    return clock(to, day === dayOf(parts(to)) ? day : today);
  }

  function lasted(ms) {
    const minutes = Math.floor(Math.max(0, ms) / 60000);
    if (minutes < 1) return words.under_minute;
    if (minutes < 60) return fill(words.minutes, { m: minutes });
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return fill(words.hours, { h: hours, m: String(minutes % 60).padStart(2, "0") });
    return fill(words.days, { d: Math.floor(hours / 24), h: hours % 24 });
  }

  const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };

  function age(root = document) {
    for (const node of all("[data-from]", root)) write(node, lasted(now() - node.dataset.from));
    if (!zoned) return;
    const today = dayOf(parts(now()));
    for (const node of all("[data-ms]", root)) {
      const time = clock(Number(node.dataset.ms), today);
      const to = node.dataset.to && until(Number(node.dataset.ms), Number(node.dataset.to), today);
      write(node, node.dataset.say ? fill(words[node.dataset.say], { time, from: time, to }) : time);
    }
    write(one("[data-now]"), clock(now(), today));
  }

  // ---- Cards: open ones first, then by the last change of their state.

  const cards = { 1: one('[data-cards="open"]'), 0: one('[data-cards="past"]') };
  const cardOf = (key) => all(".card").find((card) => card.dataset.key === key);

  function parse(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    age(template.content);
    return template.content.firstElementChild;
  }

  // Puts a card where it belongs, without moving the page under its reader.
  function place(card) {
    const list = cards[card.dataset.open];
    const moved = Number(card.dataset.moved);
    const next = all(".card", list).find((other) => other !== card && Number(other.dataset.moved) < moved);
    if (card.parentElement === list && card.nextElementSibling === (next ?? null)) return;
    holding(() => list.insertBefore(card, next ?? null));
    tidy();
  }

  function holding(change) {
    const seen = all(".card").find((card) => card.getBoundingClientRect().bottom > 80);
    const before = seen?.getBoundingClientRect().top;
    change();
    if (window.scrollY > 0 && seen?.isConnected) {
      window.scrollBy({ top: seen.getBoundingClientRect().top - before, behavior: "instant" });
    }
  }

  function tidy() {
    const [open, past] = [cards[1].childElementCount, cards[0].childElementCount];
    const isFeed = living.kind === "feed";
    one('[data-part="open"]').hidden = open === 0 && !(isFeed && past > 0);
    one("[data-calm]").hidden = open > 0;
    one('[data-part="past"]').hidden = past === 0;
    one("[data-empty]").hidden = open + past > 0;
  }

  // A card that changed its part is moved when nobody is reading it.
  function settle() {
    for (const card of all(".card")) {
      if (!card.matches(":hover, :focus-within") && card.parentElement !== cards[card.dataset.open]) place(card);
    }
  }

  function show(post) {
    const old = cardOf(post.key);
    const fresh = parse(post.html);
    if (old) {
      const had = document.activeElement;
      const [isFocused, inside] = [had === old, old.contains(had) ? had.className : ""];
      holding(() => old.replaceWith(fresh));
      if (isFocused) fresh.focus({ preventScroll: true });
      else if (inside) one(`.${inside.split(" ")[0]}`, fresh)?.focus({ preventScroll: true });
      fresh.classList.add("is-changed");
      if (old.dataset.open === "1" && !post.open) say(fill(words.news_closed, { line: post.line }));
      if (old.dataset.open === "0" && post.open) { place(fresh); say(fill(words.news_open, { line: post.line })); }
      return;
    }
    fresh.classList.add("is-new");
    place(fresh);
    if (post.open) say(fill(words.news_open, { line: post.line }));
    if (window.scrollY > 200) pill(unseen + 1);
  }

  // A page of one machine or one post lets the others pass.
  function belongs(post) {
    if (living.kind === "post") return Boolean(cardOf(post.key));
    return living.kind === "feed" || post.machine === living.machine;
  }

  // ---- Machines at the side: the worst first, then as configured.

  function seat(item) {
    const list = one("[data-seats]");
    const old = all("[data-seat]", list).find((node) => node.dataset.seat === item.machine);
    const fresh = parse(item.html);
    if (living.kind !== "feed" && living.machine === item.machine) one("a", fresh).setAttribute("aria-current", "page");
    const isFocused = old?.contains(document.activeElement);
    old?.remove();
    const place = item.rank * 1e6 + item.order;
    const rank = (node) => node.dataset.rank * 1e6 + Number(node.dataset.order);
    list.insertBefore(fresh, all("[data-seat]", list).find((node) => rank(node) > place) ?? null);
    if (isFocused) one("a", fresh).focus({ preventScroll: true });
  }

  function count(open) {
    const node = one("[data-count]");
    write(node, open === 0 ? words.open_none : open === 1 ? words.open_one : fill(words.open_many, { n: open }));
    node.classList.toggle("is-open", open > 0);
    document.title = document.title.replace(/^(\(\d+\) )?/, open > 0 ? `(${open}) ` : "");
  }

  // ---- What is told to those who do not see it, and to those who read further down.

  function say(text) { one("[data-news]").textContent = text; }

  let unseen = 0;
  const button = one("[data-pill]");
  function pill(number) {
    unseen = number;
    button.hidden = number === 0;
    button.textContent = number === 1 ? words.new_one : fill(words.new_many, { n: number });
  }
  button.addEventListener("click", () => { window.scrollTo({ top: 0 }); pill(0); });
  window.addEventListener("scroll", () => { if (window.scrollY < 100 && unseen) pill(0); }, { passive: true });

  // ---- The line. Two missed beats are a lost line, even when the browser has not noticed.

  const SILENCE_MAX = 35000, AGAIN_FIRST = 1000, AGAIN_MAX = 10000, HIDDEN_MAX = 60000;
  let [known, source, heard, again, since, lostAt] = [living.position, null, 0, AGAIN_FIRST, now(), 0];

  function hear(event) {
    [heard, since, again, lostAt] = [Date.now(), now(), AGAIN_FIRST, 0];
    one("[data-lost]").textContent = "";
    if (event.lastEventId) known = event.lastEventId;
  }

  function connect() {
    source?.close();
    heard = Date.now();
    source = new EventSource(`/events?since=${encodeURIComponent(known)}`);
    source.addEventListener("beat", hear);
    source.addEventListener("news", (event) => { hear(event); take(JSON.parse(event.data)); });
    source.addEventListener("reload", () => location.reload());
    source.addEventListener("amiss", lose);
    source.addEventListener("error", lose);
  }

  function lose() {
    source?.close();
    source = null;
    lostAt ||= Date.now();
    const time = zoned ? clock(since, dayOf(parts(now()))) : "";
    write(one("[data-lost]"), fill(words.lost, { time }));
    setTimeout(connect, again);
    again = Math.min(2 * again, AGAIN_MAX);
  }

  function take(news) {
    for (const post of news.posts.filter(belongs)) {
      if (living.kind === "post") refresh(); else show(post);
    }
    news.seats.forEach(seat);
    count(news.open);
  }

  // The page of one post shows its whole thread, which the feed cuts short.
  async function refresh() {
    const answer = await fetch(location.pathname);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [old, fresh] = [one(".card"), one(".card", page)];
    if (!old || !fresh) return;
    age(fresh);
    fresh.classList.add("is-changed");
    old.replaceWith(document.adoptNode(fresh));
    place(fresh);
  }

  // A browser holds six lines to one server: a tab that nobody looks at gives its own back.
  let resting = null;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(resting);
    if (document.hidden) resting = setTimeout(() => { source?.close(); source = null; resting = 0; }, HIDDEN_MAX);
    else if (!source) connect();
  });

  // ---- Older posts, without leaving the page.

  one("[data-older]")?.addEventListener("click", async (event) => {
    event.preventDefault();
    const link = event.currentTarget;
    const asked = new URLSearchParams({ before: link.dataset.older });
    if (living.kind === "machine") asked.set("machine", living.machine);
    const answer = await fetch(`/api/posts?${asked}`);
    if (!answer.ok) return;
    const older = await answer.json();
    const unknown = older.posts.filter((post) => !cardOf(post.key)).map((post) => parse(post.html));
    for (const card of unknown) cards[card.dataset.open].append(card);
    tidy();
    unknown[0]?.focus({ preventScroll: true });
    if (older.before) link.dataset.older = older.before; else link.remove();
  });

  // ---- Keys.

  const dialog = one("[data-keys]");
  const help = () => (dialog.open ? dialog.close() : dialog.showModal());
  const hint = one("[data-hint]");
  hint.hidden = false;
  hint.addEventListener("click", help);

  function step(by) {
    const list = all(".card").filter((card) => card.offsetParent);
    const at = list.indexOf(document.activeElement?.closest(".card"));
    const next = list[at < 0 ? 0 : Math.min(Math.max(at + by, 0), list.length - 1)];
    next?.focus({ preventScroll: true });
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    next?.scrollIntoView({ block: "nearest", behavior: calm ? "instant" : "smooth" });
  }

  const keys = {
    j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), "?": help,
    h: () => { if (living.kind !== "feed") location.assign("/"); },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (dialog.open && event.key !== "?") return;
    if (event.key === "Enter" && document.activeElement?.matches(".card")) {
      if (living.kind !== "post") one(".times", document.activeElement).click();
      return;
    }
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  age();
  connect();
  setInterval(() => { age(); settle(); }, 5000);
  setInterval(() => { if (source && Date.now() - heard > SILENCE_MAX) lose(); }, 5000);
})();
