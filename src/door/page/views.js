/** What the panel asks the node for: output, timeline, diff. */
import { make, shortId } from './dom.js';
import { api, taskPath } from './model.js';

/** Lines of a diff that are drawn; a browser gets slow beyond. */
const DIFF_LINES_MAX = 5_000;
const OUTPUT_LINES = 500;

/** The last lines of an agent. Rejects with the node's words. */
export async function agentOutput({ id }) {
  const { output, status } = await api('GET', `api/swarm/agents/${id}/output?lines=${OUTPUT_LINES}`);
  return make('pre', { class: 'output' }, output === '' ? `(nothing printed; ${status})` : output);
}

/** What a tab of a task shows. Rejects with the node's words. */
export async function taskTab({ id, tab }) {
  if (tab === 'output') {
    const { output } = await api('GET', `${taskPath(id)}/output?lines=${OUTPUT_LINES}`);
    return make('pre', { class: 'output' }, output);
  }
  if (tab === 'diff') return diffView(id, await api('GET', `${taskPath(id)}/diff`));
  const ops = await api('GET', `${taskPath(id)}/timeline`);
  return make(
    'ol',
    { class: 'timeline' },
    ...ops.map((op) => make('li', {}, make('time', { class: 'mono muted' }, op.at.slice(11, 19)), ' ', op.summary)),
  );
}

/** What a line of a patch is, by how it begins. */
const DIFF_KINDS = [
  ['file', /^(diff|index|new file|deleted file|similarity|rename|old mode|new mode|--- |\+\+\+ )/],
  ['hunk', /^@@/],
  ['add', /^\+/],
  ['del', /^-/],
];
const kindOf = (line) => DIFF_KINDS.find(([, pattern]) => pattern.test(line))?.[0] ?? 'same';

function diffView(id, { text, truncated }) {
  if (text === '') return make('p', { class: 'empty' }, 'No changes.');
  const lines = text.split('\n').slice(0, DIFF_LINES_MAX);
  const view = make(
    'pre',
    { class: 'diff' },
    ...lines.map((line) => make('span', { class: kindOf(line) }, `${line}\n`)),
  );
  const isCut = truncated || lines.length === DIFF_LINES_MAX;
  return make(
    'div',
    {},
    view,
    isCut ? make('p', { class: 'empty' }, `There is more: skep task diff ${shortId(id)}`) : null,
  );
}
