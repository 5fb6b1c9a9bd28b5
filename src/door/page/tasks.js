/** The form that creates tasks, and the list of them. */
import { ago, byId, keyed, make, part, setAttribute, setText, shortId, showPart } from './dom.js';
import { agentName, api, isEnded, nodeName, sortedTasks, state } from './model.js';

let filter = 'all';

/** Wires the form and the filters. `open` shows a task; `redraw` draws the list anew. */
export function startTasks(open, redraw) {
  const form = byId('create');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void create(form, open);
  });
  for (const button of document.querySelectorAll('[data-filter]')) {
    button.addEventListener('click', () => {
      filter = button.dataset.filter;
      for (const other of document.querySelectorAll('[data-filter]'))
        other.setAttribute('aria-pressed', String(other === button));
      redraw();
    });
  }
}

async function create(form, open) {
  const field = (name) => form.elements.namedItem(name).value.trim();
  const error = byId('create-error');
  setText(error, '');
  const button = form.querySelector('button[type="submit"]');
  button.disabled = true;
  try {
    const task = await api('POST', 'api/swarm/tasks', {
      title: field('title'),
      description: form.elements.namedItem('description').value,
      priority: Number(field('priority') || 0),
      required_capabilities: field('capabilities')
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== ''),
      project: field('project') || null,
    });
    form.elements.namedItem('title').value = '';
    form.elements.namedItem('description').value = '';
    open(task.id);
  } catch (refused) {
    setText(error, refused.message);
  } finally {
    button.disabled = false;
  }
}

/** Projects to choose from; the choice stays as long as it is there. */
export function drawProjectChoice() {
  const select = byId('create').elements.namedItem('project');
  const names = [...state.projects.values()].map(({ name }) => name);
  const options = [{ value: '', text: 'none' }, ...names.map((name) => ({ value: name, text: name }))];
  keyed(select, options, {
    key: ({ value }) => value || 'none',
    create: ({ value }) => make('option', { value }),
    update: (element, { text }) => setText(element, text),
  });
}

export function drawTasks(chosen) {
  const tasks = sortedTasks().filter((task) => filter === 'all' || isEnded(task) === (filter === 'ended'));
  keyed(byId('tasks'), tasks, { key: ({ id }) => id, create, update: (card, task) => update(card, task, chosen) });
  const empty = byId('tasks-empty');
  empty.hidden = tasks.length > 0;
  setText(
    empty,
    state.tasks.size === 0
      ? 'No tasks yet. Create one above: it is done by the first agent that can.'
      : 'None of these right now.',
  );

  function create({ id }) {
    return make(
      'li',
      {},
      make(
        'a',
        { class: 'card task', href: `#task/${id}` },
        make(
          'span',
          { class: 'row' },
          make('strong', { 'data-part': 'title' }),
          make('span', { class: 'badge', 'data-part': 'status' }),
        ),
        make('span', { class: 'clip muted', 'data-part': 'text' }),
        make('span', { class: 'note', 'data-part': 'note' }),
        make(
          'span',
          { class: 'row small muted' },
          make('span', { class: 'mono' }, shortId(id)),
          make('span', { 'data-part': 'facts' }),
        ),
      ),
    );
  }
}

function update(card, task, chosen) {
  setText(part(card, 'title'), task.title);
  setBadge(part(card, 'status'), task.status);
  showPart(card, 'text', task.description.slice(0, 240));
  showPart(card, 'note', noteOf(task));
  setAttribute(part(card, 'note'), 'data-status', task.status);
  setText(part(card, 'facts'), factsOf(task));
  setAttribute(card.firstElementChild, 'aria-current', String(task.id === chosen));
}

export function setBadge(badge, status) {
  setText(badge, status.replace('_', ' '));
  setAttribute(badge, 'data-status', status);
}

/** The one line that says how things stand. */
function noteOf(task) {
  if (task.status === 'pending') return task.pending_reason ?? '';
  if (task.status === 'failed') return (task.error ?? '').slice(-200) || task.reason || '';
  if (task.status === 'completed') return (task.result ?? '').slice(0, 200);
  if (isEnded(task)) return task.reason === 'cancelled' ? '' : (task.reason ?? '');
  return state.progress.get(task.id)?.progress ?? task.progress ?? '';
}

function factsOf(task) {
  const facts = [];
  if (task.assigned_to !== null) facts.push(`${agentName(task.assigned_to)} on ${nodeName(task.assigned_node)}`);
  if (task.attempt > 1) facts.push(`attempt ${task.attempt} of ${task.attempts_max}`);
  if (task.priority !== 0) facts.push(`priority ${task.priority}`);
  if (task.work !== null) facts.push(`${task.work.commits} ${task.work.commits === 1 ? 'commit' : 'commits'}`);
  facts.push(ago(isEnded(task) ? task.updated_at : task.created_at));
  return facts.join(' · ');
}
