// Needs: tmux, unshare (util-linux)
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outputOf, untilStatus } from '../host/terminal-rig.ts';
import { AttachStage, ELSEWHERE, TEST_MS } from './attach-rig.ts';

let stage: AttachStage;
beforeEach(async () => {
  stage = await AttachStage.open();
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

describe('skep agent attach', { timeout: TEST_MS }, () => {
  it.each(['its own node', 'another node of the machine'])(
    'makes this terminal the agent’s, asked of %s; C-b d leaves it at work',
    async (whose) => {
      const { emperor, worker, agent } = stage;
      stage.attach(whose === 'its own node' ? worker : emperor);
      await stage.shows('inner 42');
      stage.press('echo "typed $((6 * 8))"', 'Enter');
      await stage.shows('typed 48');
      expect(await outputOf(emperor, agent)).toContain('typed 48');
      stage.press('C-b', 'd');
      await stage.shows('ended with 0');
      await untilStatus(emperor, agent, 'idle');
    },
  );

  it('prints the command to copy on a machine from which nobody said how to get there', async () => {
    stage.attach(stage.emperor, { before: ELSEWHERE });
    await stage.shows('ended with 0');
    expect(stage.screen()).toContain('It runs on node-1; nobody said how to get there by ssh. On that machine:');
    const line = `attach-session -t '=${String(stage.agent['tmux_session_id'])}'`;
    expect(stage.screen().replaceAll('\n', '')).toContain(line);
  });
});
