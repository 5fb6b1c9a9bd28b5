/** The panel that shows one task or one agent. */
import { byId, make, part, setAttribute, setText, shortId, showPart } from './dom.js';
import { agentName, api, isEnded, nodeName, state, taskPath } from './model.js';
import { setBadge } from './tasks.js';
import { agentOutput, taskTab } from './views.js';

/** What the panel shows: `{ kind: 'task' | 'agent', id, tab }`, or undefined while it is closed. */
let shown;
let follow;

export const chosenId = () => shown?.id;

/** Shows what the address names after `#`. */
export function openFromAddress() {
  const [, kind, id] = /^#(task|agent)\/([0-9a-f]+-[0-9]+)$/.exec(location.hash) ?? [];
  follow?.close();
  follow = undefined;
  shown = kind === undefined ? undefined : { kind, id, tab: kind === 'task' ? 'timeline' : 'output' };
  const panel = byId('detail');
  panel.hidden = shown === undefined;
  document.body.classList.toggle('has-detail', shown !== undefined);
  if (shown === undefined) return;
  panel.replaceChildren(kind === 'task' ? taskPanel() : agentPanel());
  drawDetail();
  void load();
}

const close = () => make('a', { class: 'close', href: '#', 'aria-label': 'Close' }, '×');

function taskPanel() {
  return make(
    'div',
    {},
    make(
      'div',
      { class: 'row' },
      make('h2', { 'data-part': 'title' }),
      make('span', { class: 'badge', 'data-part': 'status' }),
      close(),
    ),
    make('p', { class: 'note', 'data-part': 'pending' }),
    make('dl', { class: 'facts', 'data-part': 'facts' }),
    make('pre', { class: 'text', 'data-part': 'description' }),
    make('h3', { 'data-part': 'end-heading' }),
    make('pre', { class: 'text', 'data-part': 'end' }),
    make(
      'div',
      { class: 'actions' },
      make('button', { type: 'button', class: 'primary', 'data-part': 'merge', onclick: () => void merge() }, 'Merge'),
      make('button', { type: 'button', 'data-part': 'cancel', onclick: () => void cancel() }, 'Cancel task'),
    ),
    make('p', { class: 'said', role: 'status', 'data-part': 'said' }),
    tabs(['timeline', 'output', 'diff']),
    make('div', { class: 'content', 'data-part': 'content' }),
  );
}

function agentPanel() {
  return make(
    'div',
    {},
    make(
      'div',
      { class: 'row' },
      make('h2', { 'data-part': 'title' }),
      make('span', { class: 'badge', 'data-part': 'status' }),
      close(),
    ),
    make('dl', { class: 'facts', 'data-part': 'facts' }),
    make(
      'div',
      { class: 'actions' },
      make('button', { type: 'button', onclick: () => void load() }, 'Look again'),
      make('button', { type: 'button', onclick: () => void removeAgent() }, 'Remove agent'),
    ),
    make('p', { class: 'said', role: 'status', 'data-part': 'said' }),
    make('div', { class: 'content', 'data-part': 'content' }),
  );
}

const tabs = (names) =>
  make(
    'div',
    { class: 'filters', role: 'group', 'aria-label': 'What to show' },
    ...names.map((name) =>
      make(
        'button',
        { type: 'button', 'data-tab': name, 'aria-pressed': String(name === 'timeline'), onclick: () => choose(name) },
        name,
      ),
    ),
  );

function choose(tab) {
  shown.tab = tab;
  for (const button of byId('detail').querySelectorAll('[data-tab]'))
    button.setAttribute('aria-pressed', String(button.dataset.tab === tab));
  void load();
}

/** Draws what is known without asking. Called after every change of the model. */
export function drawDetail() {
  if (shown === undefined) return;
  if (shown.kind === 'agent') drawAgent(byId('detail'));
  else drawTask(byId('detail'));
}

function drawTask(panel) {
  const task = shown.whole ?? state.tasks.get(shown.id);
  if (task === undefined) return;
  setText(part(panel, 'title'), task.title);
  setBadge(part(panel, 'status'), task.status);
  showPart(panel, 'pending', task.pending_reason);
  setAttribute(part(panel, 'pending'), 'data-status', task.status);
  showPart(panel, 'description', task.description);
  showPart(panel, 'end-heading', task.error ? 'Error' : task.result ? 'Result' : '');
  showPart(panel, 'end', task.error ?? task.result);
  part(panel, 'cancel').hidden = isEnded(task);
  part(panel, 'merge').hidden = task.status !== 'completed' || task.work === null;
  const project = task.project === null ? null : (state.projects.get(task.project)?.name ?? task.project);
  drawFacts(part(panel, 'facts'), {
    id: shortId(task.id),
    agent: task.assigned_to === null ? null : `${agentName(task.assigned_to)} on ${nodeName(task.assigned_node)}`,
    attempt: task.attempt === 0 ? null : `${task.attempt} of ${task.attempts_max}`,
    needs: task.required_capabilities.join(', '),
    project,
    work: task.work === null ? null : `${commits(task.work.commits)} on ${shortBranch(task)}`,
    reason: task.reason,
    home: nodeName(task.home),
    created: task.created_at.replace('T', ' ').replace('Z', ''),
  });
}

const commits = (count) => (count === 1 ? '1 commit' : `${count} commits`);
const shortBranch = ({ id, work }) => work.branch.replace(id, shortId(id));

function drawAgent(panel) {
  const agent = state.agents.get(shown.id);
  if (agent === undefined) {
    setText(part(panel, 'said'), 'This agent is gone.');
    return;
  }
  setText(part(panel, 'title'), agent.name);
  setBadge(part(panel, 'status'), agent.status);
  drawFacts(part(panel, 'facts'), {
    id: shortId(agent.id),
    tool: agent.tool,
    node: nodeName(agent.node_id),
    can: agent.capabilities.join(', '),
    path: agent.project_path,
    task:
      agent.current_task_id === null ? null : (state.tasks.get(agent.current_task_id)?.title ?? agent.current_task_id),
  });
}

function drawFacts(list, facts) {
  const text = JSON.stringify(facts);
  if (list.dataset.drawn === text) return;
  list.dataset.drawn = text;
  const known = Object.entries(facts).filter(([, value]) => value !== null && value !== undefined && value !== '');
  list.replaceChildren(...known.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
}

/** An event about the task that is shown: its timeline and its texts are out of date. */
export function detailChanged(event, data) {
  if (shown?.kind !== 'task' || data?.entity !== shown.id) return;
  shown.whole = undefined;
  if (shown.tab !== 'output' || event === 'task.ended' || event === 'task.started') void load();
}

async function load() {
  const asked = shown;
  const content = part(byId('detail'), 'content');
  follow?.close();
  follow = undefined;
  try {
    const drawn = await (asked.kind === 'agent' ? agentOutput(asked) : taskTab(asked));
    if (asked === shown) content.replaceChildren(drawn);
    if (asked === shown && asked.tab === 'output' && asked.kind === 'task') followOutput(drawn);
    if (asked.kind === 'task') await loadWhole(asked);
  } catch (refused) {
    if (asked === shown) content.replaceChildren(make('p', { class: 'empty' }, refused.message));
    if (asked === shown && asked.tab === 'output' && asked.kind === 'task') followOutput(undefined);
  }
}

/** Long texts come in the list only with their beginning. */
async function loadWhole(asked) {
  if ((state.tasks.get(asked.id)?.truncated ?? ['unknown']).length === 0) return;
  const whole = await api('GET', taskPath(asked.id));
  if (asked !== shown) return;
  asked.whole = whole;
  drawDetail();
}

/** While the task runs, what its agent prints is added as it comes. */
function followOutput(drawn) {
  const task = state.tasks.get(shown.id);
  if (task === undefined || isEnded(task)) return;
  const query = new URLSearchParams({ task: shown.id, after: state.lastEventId });
  follow = new EventSource(`api/events?${query}`);
  let view = drawn;
  follow.addEventListener('output', (event) => {
    if (view === undefined) {
      view = make('pre', { class: 'output' });
      part(byId('detail'), 'content').replaceChildren(view);
    }
    const atEnd = view.scrollTop + view.clientHeight >= view.scrollHeight - 8;
    view.append(JSON.parse(event.data).output);
    if (atEnd) view.scrollTop = view.scrollHeight;
  });
}

async function act(method, path, body, told) {
  const said = part(byId('detail'), 'said');
  try {
    setText(said, told(await api(method, path, body)));
  } catch (refused) {
    setText(said, refused.message);
  }
}

const cancel = () => act('POST', `${taskPath(shown.id)}/cancel`, undefined, () => 'Cancelled.');

const merge = () =>
  act('POST', `${taskPath(shown.id)}/merge`, {}, ({ state: end, into, commit, command }) =>
    end === 'merged'
      ? `Merged into ${into}: ${commit.slice(0, 10)}`
      : `Ready. ${into} is checked out somewhere, so merge it there: ${command}`,
  );

async function removeAgent() {
  await act('DELETE', `api/swarm/agents/${shown.id}`, undefined, () => 'Removed.');
}
