/** Agents, nodes, projects, the log, and the head of the page. */
import { byId, keyed, make, part, setAttribute, setText, showPart } from './dom.js';
import { nodeName, state } from './model.js';
import { setBadge } from './tasks.js';

export function drawHead() {
  const { node } = state;
  const { connection } = state;
  setText(byId('connection'), connection);
  setAttribute(byId('connection'), 'data-state', connection);
  if (node === undefined) return;
  setText(byId('node-name'), node.name);
  setText(byId('node-id'), node.node_id.slice(0, 8));
  const others = [...state.nodes.values()].filter(({ status }) => status === 'alive').length;
  setText(byId('links'), others === 0 ? 'alone' : `${others} other ${others === 1 ? 'node' : 'nodes'}`);
  document.title = node.name === '' ? 'skep' : `${node.name} · skep`;
  const { tasks } = node;
  const counts = {
    pending: tasks.pending,
    active: tasks.claimed + tasks.in_progress,
    completed: tasks.completed,
    failed: tasks.failed,
    agents: state.agents.size,
    nodes: state.nodes.size,
  };
  for (const [name, count] of Object.entries(counts)) setText(byId(`count-${name}`), String(count));
}

const card = (tag, attributes, ...children) =>
  make('li', {}, make(tag, { class: 'card compact', ...attributes }, ...children));

const headRow = () =>
  make(
    'span',
    { class: 'row' },
    make('strong', { 'data-part': 'name' }),
    make('span', { class: 'badge', 'data-part': 'status' }),
  );

export function drawAgents(chosen) {
  const agents = [...state.agents.values()].sort((a, b) => (a.registered_at < b.registered_at ? -1 : 1));
  keyed(byId('agents'), agents, {
    key: ({ id }) => id,
    create: ({ id }) =>
      card(
        'a',
        { href: `#agent/${id}` },
        headRow(),
        make('span', { class: 'small muted', 'data-part': 'facts' }),
        make('span', { class: 'small', 'data-part': 'task' }),
      ),
    update: (element, agent) => {
      setText(part(element, 'name'), agent.name);
      setBadge(part(element, 'status'), agent.status);
      const others = agent.capabilities.filter((one) => one !== agent.tool);
      setText(part(element, 'facts'), [agent.tool, nodeName(agent.node_id), ...others].join(' · '));
      showPart(element, 'task', taskTitle(agent.current_task_id));
      setAttribute(element.firstElementChild, 'aria-current', String(agent.id === chosen));
    },
  });
  byId('agents-empty').hidden = agents.length > 0;
}

const taskTitle = (id) => (id === null ? null : `at work on ${state.tasks.get(id)?.title ?? id}`);

export function drawNodes() {
  keyed(byId('nodes'), [...state.nodes.values()], {
    key: ({ id }) => id,
    create: () => card('div', {}, headRow(), make('span', { class: 'small muted', 'data-part': 'facts' })),
    update: (element, node) => {
      setText(part(element, 'name'), node.name || node.id.slice(0, 8));
      setBadge(part(element, 'status'), node.status === 'self' ? 'this node' : node.status);
      const agents = node.agents === 1 ? '1 agent' : `${node.agents} agents`;
      const facts = [node.id.slice(0, 8), agents, `version ${node.version}`];
      if (node.round_trip_ms !== null) facts.push(`${Math.round(node.round_trip_ms)} ms`);
      if (node.replaced_by !== null) facts.push(`${node.replaced_by.slice(0, 8)} was made from its backup`);
      if (node.forked) facts.push('its log was signed twice');
      setText(part(element, 'facts'), facts.join(' · '));
    },
  });
}

export function drawProjects() {
  const projects = [...state.projects.values()];
  keyed(byId('projects'), projects, {
    key: ({ id }) => id,
    create: () =>
      card(
        'div',
        {},
        make('strong', { 'data-part': 'name' }),
        make('span', { class: 'small muted mono break', 'data-part': 'facts' }),
      ),
    update: (element, project) => {
      setText(part(element, 'name'), project.name);
      setText(part(element, 'facts'), project.base === null ? project.origin : `${project.origin} (${project.base})`);
    },
  });
  byId('projects-empty').hidden = projects.length > 0;
}

export function drawLog() {
  const items = state.log.map((entry, index) => ({ ...entry, key: String(state.log.length - index) }));
  byId('log').replaceChildren(
    ...items.map(({ at, type, title }) =>
      make(
        'li',
        {},
        make('time', { class: 'mono muted' }, at.toTimeString().slice(0, 8)),
        ` ${type} `,
        make('span', { class: 'muted' }, title),
      ),
    ),
  );
}
