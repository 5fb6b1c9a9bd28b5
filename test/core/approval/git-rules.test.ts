/** What the rules for commits that the decision on git commands names let through, and what they still ask about. */
import { expect, it } from 'vitest';
import { nodeIdOf, opIdOf, userPrincipal } from '#core/brand.ts';
import { rulingOf } from '#core/approval/rules.ts';
import type { LiveRule } from '#core/view/rule.ts';

const node = nodeIdOf('a'.repeat(32));
const PATTERNS = ['git add *', 'git commit -m *', 'git commit -qm *'];

const rules = PATTERNS.map((command, at): LiveRule => ({
  id: opIdOf(node, at + 1),
  removed: false,
  added: {
    effect: 'allow',
    tool: null,
    command,
    path: null,
    agent: null,
    note: '',
    by: userPrincipal('operator'),
    stamp: { lamport: at + 1, node, seq: at + 1 },
    wallMs: 0,
  },
}));

const effectOf = (detail: string, of: readonly LiveRule[] = rules): string => {
  const agent = { id: opIdOf(node, 9), name: 'claude-1' };
  const asked = { kind: 'command' as const, tool: 'Bash', detail, agent, cwd: '/work/tree', paths: [], inside: false };
  return rulingOf(asked, of).effect;
};

it.each(['git add -A', 'git add .', 'git commit -m "A plain word"', "git add -A && git commit -qm 'two; or $three'"])(
  'allow %j, which is asked about without them',
  (command) => {
    expect(effectOf(command)).toBe('allow');
    expect(effectOf(command, [])).toBe('ask');
  },
);

it.each(['git status', 'git diff', 'git log -1'])('%j is asked about: no rule is built in', (command) => {
  expect(effectOf(command, [])).toBe('ask');
});

it.each([
  'git -c core.hooksPath=/tmp/evil commit -m x',
  'git -c core.fsmonitor=/tmp/evil add -A',
  'git -c alias.add=!evil add',
  'git -C /elsewhere add -A',
  'git --git-dir=/elsewhere/.git commit -m x',
  'git --exec-path=/tmp/evil add -A',
  'git --paginate add -A',
  'git config core.hooksPath evil && git commit -m x',
  'git commit --amend --no-edit',
  'git commit',
  'git rebase --exec evil HEAD~1',
  'git difftool --extcmd=evil',
  'GIT_DIR=/elsewhere git add -A',
  'GIT_EDITOR=evil git commit -m x',
  'GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.fsmonitor GIT_CONFIG_VALUE_0=evil git add -A',
  'export GIT_DIR=evil; git add -A',
  'cd evil && git add -A',
  'env git add -A',
  '/tmp/git add -A',
  './git add -A',
  'gitadd -A',
  'git add -A > .git/hooks/pre-commit',
  'git add -A | sh',
  'git add -A; evil',
  'git add -A & evil',
  'git add -A\nevil',
  'git add $(evil)',
  'git add `evil`',
  'git commit -m "$(evil)"',
  'git commit -m "x" \\\n; evil',
  'git commit -m x # git add\nevil',
  'git add {a,b}; evil',
  'git commit -m <(evil)',
  'git commit -m x <<EOF\nEOF\nevil',
  'git commit -m x && git push',
  'git add -A && git reset --hard',
])('still ask about %j', (command) => {
  expect(effectOf(command)).toBe('ask');
});
