/** The wall: reads the posts once, then follows the stream of events and takes up where it left off. Texts of others stay text. */

/** The seed's page came back after 2 s. */
const RECONNECT_MS = 2000;
const SHOWN_MAX = 500;

const part = (name) => document.querySelector(`[data-part="${name}"]`);
const wall = part('wall');
const form = document.querySelector('form');

const shown = new Map();
let last;

/** One hue a node, everywhere the same. */
function hue(node) {
  let sum = 0;
  for (const letter of node) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return sum % 360;
}

const before = (a, b) => a.lamport_ts > b.lamport_ts || (a.lamport_ts === b.lamport_ts && a.created_at > b.created_at);

function show(post) {
  if (shown.has(post.id)) return;
  const item = document.createElement('li');
  item.style.setProperty('--hue', hue(post.node_id));
  const words = document.createElement('p');
  words.textContent = post.content;
  const foot = document.createElement('footer');
  const author = document.createElement('b');
  author.textContent = post.author;
  const origin = document.createElement('span');
  origin.textContent = `node:${post.node_id.slice(0, 8)} | ts:${post.lamport_ts}`;
  const time = document.createElement('time');
  time.dateTime = post.created_at;
  time.textContent = new Date(post.created_at).toLocaleString();
  foot.append(author, origin, time);
  item.append(words, foot);
  const next = [...wall.children].find((one) => before(post, shown.get(one.dataset.id)));
  item.dataset.id = post.id;
  shown.set(post.id, post);
  wall.insertBefore(item, next ?? null);
  while (wall.children.length > SHOWN_MAX) {
    shown.delete(wall.lastChild.dataset.id);
    wall.lastChild.remove();
  }
  part('empty').hidden = true;
}

function setState(state) {
  part('state').textContent = state;
  part('state').dataset.state = state;
}

async function read(path) {
  const answer = await fetch(path);
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function refresh() {
  const [status, posts] = await Promise.all([read('api/status'), read(`api/posts?limit=${SHOWN_MAX}`)]);
  part('node').textContent = status.node_id.slice(0, 8);
  part('peers').textContent = status.peers;
  part('posts').textContent = status.posts;
  for (const post of posts.toReversed()) show(post);
  part('empty').hidden = shown.size > 0;
}

function follow() {
  const url = new URL('ws', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  if (last !== undefined) url.searchParams.set('after', last);
  const socket = new WebSocket(url);
  socket.addEventListener('open', () => {
    setState('connected');
    refresh().catch(() => socket.close());
  });
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.id !== undefined) last = frame.id;
    if (frame.type === 'status') {
      part('peers').textContent = frame.status.peers;
      part('posts').textContent = frame.status.posts;
    }
    if (frame.type === 'new_post' && frame.post) {
      show(frame.post);
      part('posts').textContent = Math.max(Number(part('posts').textContent) || 0, shown.size);
    }
  });
  socket.addEventListener('close', () => {
    setState('reconnecting');
    setTimeout(follow, RECONNECT_MS);
  });
}

async function write() {
  const { author, content } = Object.fromEntries(new FormData(form));
  const body = JSON.stringify(author === '' ? { content } : { author, content });
  const button = form.querySelector('button');
  button.disabled = true;
  part('answer').textContent = '';
  try {
    const answer = await fetch('api/posts', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const said = await answer.json();
    if (answer.ok) {
      form.elements.content.value = '';
      show(said);
    } else {
      part('answer').textContent = said.error;
    }
  } catch {
    part('answer').textContent = 'This node does not answer. Your words are still here.';
  }
  button.disabled = false;
  form.elements.content.focus();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void write();
});

follow();
