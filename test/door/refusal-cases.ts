/** What is sent to each route in refusals.test.ts: one thing wrong at a time. */

/** An id of nothing. */
export const NOBODY = `${'c'.repeat(32)}-7`;

/** A body that each route takes, so that only one thing at a time is wrong. */
export const good: Record<string, unknown> = {
  'POST /api/swarm/tasks': { title: 'x' },
  'POST /api/swarm/tasks/{id}/fetch': { repository: '/tmp/x' },
  'POST /api/swarm/tasks/{id}/merge': {},
  'POST /api/swarm/agents': { name: 'x', tool: 'shell' },
  'POST /api/swarm/agents/{id}/send': { text: 'x' },
  'POST /api/swarm/projects': { name: 'x', origin: '/x' },
  'POST /api/posts': { content: 'x' },
  'POST /api/tokens': { name: 'x', role: 'viewer' },
  'POST /api/login-codes': {},
  'POST /api/swarm/backup': { target: '/x' },
  'POST /api/tools/{tool}': {},
};

/** Bodies that are wrong, with the text and what it says of what came. */
export const bad: [route: string, body: unknown, error: string, got?: string][] = [
  ['POST /api/swarm/tasks', {}, 'title is required', 'nothing'],
  ['POST /api/swarm/tasks', { title: '' }, 'title is required'],
  ['POST /api/swarm/tasks', { title: ' \n' }, 'title is required'],
  ['POST /api/swarm/tasks', { title: null }, 'title is required', 'null'],
  ['POST /api/swarm/tasks', [], 'title is required', 'JSON that is no object'],
  ['POST /api/swarm/tasks', 'title', 'title is required', 'JSON that is no object'],
  ['POST /api/swarm/tasks', null, 'title is required', 'JSON that is no object'],
  ['POST /api/swarm/tasks', { title: 7 }, 'title: Invalid input: expected string, received number', '7'],
  [
    'POST /api/swarm/tasks',
    { title: 'x'.repeat(1001) },
    'title: Too big: expected string to have <=1000 characters',
    '1001 characters',
  ],
  [
    'POST /api/swarm/tasks',
    { title: 'x', description: {} },
    'description: Invalid input: expected string, received object',
    'an object',
  ],
  [
    'POST /api/swarm/tasks',
    { title: 'x', project_path: 'here' },
    'project_path: an absolute path on the node that does the work is expected',
    '"here"',
  ],
  [
    'POST /api/swarm/tasks',
    { title: 'x', priority: '5' },
    'priority: Invalid input: expected number, received string',
    '"5"',
  ],
  [
    'POST /api/swarm/tasks',
    { title: 'x', priority: 1.5 },
    'priority: Invalid input: expected int, received number',
    '1.5',
  ],
  [
    'POST /api/swarm/tasks',
    { title: 'x', required_capabilities: 'php' },
    'required_capabilities: Invalid input: expected array, received string',
  ],
  [
    'POST /api/swarm/tasks',
    { title: 'x', required_capabilities: [1] },
    'required_capabilities.0: Invalid input: expected string, received number',
    '1',
  ],
  ['POST /api/swarm/tasks', { title: 'x', depends_on: [NOBODY] }, `depends_on: "${NOBODY}" is not known here`],
  ['POST /api/swarm/tasks', { title: 'x', project: 'nowhere' }, 'project: "nowhere" is not known here'],
  ['POST /api/swarm/tasks', { title: 'x', base: '--upload-pack=x' }, 'a branch name is expected'],
  ['POST /api/swarm/tasks', { title: 'x', attempts_max: 0 }, 'attempts_max: Too small: expected number to be >=1'],
  ['POST /api/swarm/tasks', { title: 'x', id: 'key:x' }, 'id is 1 to 128 letters, digits, dots, dashes or underscores'],
  ['POST /api/swarm/tasks/{id}/fetch', {}, 'repository is required'],
  ['POST /api/swarm/tasks/{id}/fetch', { repository: 'here' }, 'repository: an absolute path on this node is expected'],
  ['POST /api/swarm/tasks/{id}/merge', { into: '../x' }, 'a branch name is expected'],
  ['POST /api/swarm/agents', {}, 'name is required'],
  ['POST /api/swarm/agents', { name: 7 }, 'name: Invalid input: expected string, received number'],
  [
    'POST /api/swarm/agents',
    { name: 'x', max_concurrent_tasks: 0 },
    'max_concurrent_tasks: Too small: expected number to be >=1',
  ],
  ['POST /api/swarm/agents/{id}/send', {}, 'text is required'],
  ['POST /api/swarm/agents/{id}/send', { text: 1 }, 'text: Invalid input: expected string, received number'],
  ['POST /api/swarm/projects', {}, 'name is required'],
  ['POST /api/swarm/projects', { name: 'x' }, 'origin is required'],
  [
    'POST /api/swarm/projects',
    { name: '../x', origin: '/x' },
    'name is 1 to 64 letters, digits, dots, dashes or underscores',
  ],
  [
    'POST /api/swarm/projects',
    { name: 'x', origin: '--upload-pack=x' },
    'origin: a URL that git can clone, or an absolute path on this node, is expected',
  ],
  [
    'POST /api/swarm/projects',
    { name: 'x', origin: 'ext::sh -c x' },
    'origin: a URL that git can clone, or an absolute path on this node, is expected',
  ],
  ['POST /api/posts', {}, 'Content is required'],
  ['POST /api/posts', { content: '' }, 'Content is required'],
  ['POST /api/posts', { content: 'x'.repeat(1001) }, 'Content too long (max 1000 chars)'],
  ['POST /api/posts', { content: 1 }, 'content: Invalid input: expected string, received number'],
  ['POST /api/tokens', { role: 'viewer' }, 'name: Invalid input: expected string, received undefined'],
  ['POST /api/tokens', { name: 'x', role: 'king' }, 'role: Invalid option: expected one of "operator"|"viewer"'],
  ['POST /api/swarm/backup', {}, 'target is required'],
  ['POST /api/swarm/backup', { target: 'here' }, 'target: an absolute path on this node is expected'],
  ['POST /api/login-codes', { role: 'king' }, 'role: Invalid option: expected one of "operator"|"viewer"'],
];

export const badQueries = [
  '/api/swarm/tasks?limit=0',
  '/api/swarm/tasks?limit=1001',
  '/api/swarm/tasks?limit=ten',
  '/api/swarm/tasks?offset=-1',
  '/api/swarm/tasks?status=a&status=b',
  '/api/swarm/agents?limit=x',
  '/api/posts?offset=x',
  `/api/swarm/tasks/${NOBODY}/output?lines=0`,
  `/api/swarm/tasks/${NOBODY}/diff?format=pdf`,
  `/api/swarm/agents/${NOBODY}/output?lines=1e3`,
  '/api/events?after=seven',
  '/api/swarm/tasks/%ff',
];

/** What a body that is no JSON is told: what an empty object is told, where that is refused. */
export const textForNoJson: Record<string, string> = {
  'POST /api/swarm/tasks': 'title is required',
  'POST /api/swarm/tasks/{id}/fetch': 'repository is required',
  'POST /api/swarm/agents': 'name is required',
  'POST /api/swarm/agents/{id}/send': 'text is required',
  'POST /api/swarm/projects': 'name is required',
  'POST /api/posts': 'Content is required',
  'POST /api/swarm/backup': 'target is required',
  'POST /api/tokens': 'name: Invalid input: expected string, received undefined',
};
