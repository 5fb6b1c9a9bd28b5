/** A Claude Code that takes its prompt and says nothing, as 0.2.9 does, which reads its input to the end: a program in its place. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ClaudeDriver } from '#driver/claude/driver.ts';
import { Events, PLAIN } from '../../contract/driver.ts';
import { freshId } from '../../contract/runtime.ts';
import type { LocalHome } from '../../runtime/local-home.ts';
import { makeLocalHome } from '../../runtime/local-home.ts';

const PROGRAM = `#!/bin/sh
[ "$1" = --version ] && { echo '0.2.9 (Claude Code)'; exit 0; }
while read -r line; do :; done
`;

let dir: string;
let home: LocalHome;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skep-hanging-'));
  home = makeLocalHome();
  writeFileSync(join(dir, 'claude'), PROGRAM, { mode: 0o755 });
});
afterEach(async () => {
  await home.remove();
  rmSync(dir, { recursive: true, force: true });
});

it('is told as one that did not start, with its version and the one that was tested', async () => {
  const runtime = home.open();
  const driver = new ClaudeDriver({ directory: join(dir, 'skep'), nowMs: Date.now, limits: { startMs: 200 } });
  const env = { PATH: `${dir}:/usr/bin:/bin` };
  const session = await driver.open({ ...PLAIN, procId: freshId(), cwd: dir, env }, runtime);
  const events = new Events(session);
  await session.prompt('Do it.');
  const text =
    'claude hung at its start (start_timeout), before the first word of its protocol: its version here is 0.2.9 (Claude Code), ' +
    'and skep was tested with 2.1.328. It said nothing.';
  expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'start_failed', text });
  await session.close(1_000);
  await runtime.close();
});
