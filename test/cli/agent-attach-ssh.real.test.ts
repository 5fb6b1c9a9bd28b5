// Needs: tmux, unshare (util-linux), sshd and ssh (openssh-server, openssh-client)
/** `skep agent attach` through a real sshd on loopback, with keys of its own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outputOf, untilStatus } from '../host/terminal-rig.ts';
import { AttachStage, ELSEWHERE, TEST_MS } from './attach-rig.ts';
import { SshLab } from './ssh-lab.ts';

let lab: SshLab;
let stage: AttachStage | undefined;
beforeEach(async () => {
  lab = await SshLab.open();
}, TEST_MS);
afterEach(async () => {
  await stage?.close();
  stage = undefined;
  await lab.close();
}, TEST_MS);

/** `ssh`: what the agent's node says of the way to it. */
async function stageOf(o: { ssh?: string } = {}): Promise<AttachStage> {
  stage = await AttachStage.open(o);
  // As if it stood in the person's ~/.ssh/config.
  stage.program('ssh', `exec /usr/bin/ssh -F '${lab.config}' "$@"`);
  return stage;
}

describe('skep agent attach through ssh', { timeout: TEST_MS }, () => {
  it.each([
    { who: '--ssh-to says', of: {}, after: ['--ssh-to', 'there'] },
    { who: 'the agent’s node says by its setting', of: { ssh: 'there' }, after: [] },
  ])('sits at the terminal, and types into it, where $who', async ({ of, after }) => {
    const person = await stageOf(of);
    const { emperor, agent } = person;
    person.attach(emperor, { before: ELSEWHERE, after });
    await person.shows('inner 42');
    person.press('echo "typed $((6 * 8))"', 'Enter');
    await person.shows('typed 48');
    expect(await outputOf(emperor, agent)).toContain('typed 48');
    expect(lab.said()).toContain('Accepted publickey for');
    person.press('C-b', 'd');
    await person.shows('ended with 0');
    await untilStatus(emperor, agent, 'idle');
  });

  it.each([
    { what: 'a host whose key nobody knows', target: 'stranger', why: 'Host key verification failed.' },
    { what: 'a host at which nobody answers', target: 'nobody', why: 'Connection refused' },
  ])('does not get to $what, says so, and gives the command to copy', async ({ target, why }) => {
    const person = await stageOf();
    const { emperor, agent } = person;
    person.attach(emperor, { before: ELSEWHERE, after: ['--ssh-to', target] });
    await person.shows('ended with 1');
    expect(person.screen()).toContain(why);
    expect(person.screen()).toContain(`ssh did not get to ${target}. On node-1:`);
    const line = `attach-session -t '=${String(agent['tmux_session_id'])}'`;
    expect(person.screen().replaceAll('\n', '')).toContain(line);
    expect(lab.said()).not.toContain('Accepted');
    await untilStatus(emperor, agent, 'idle');
  });
});
