// Needs: bubblewrap, podman, runc, uidmap, catatonit, systemd-container (systemd-nspawn), root, npm, openssl
/** What is listed for a box can be cloned and installed from inside, by the tools themselves; what is not is refused, and both are noted. */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BOX_KINDS, imageOf } from '../runtime/box-image.ts';
import { BoxStage, TEST_MS } from './box-stage.ts';
import type { GitServer } from './git-server.ts';
import { openGitServer } from './git-server.ts';

let stage: BoxStage;
let listed: GitServer;
let other: GitServer;
beforeEach(async () => {
  [listed, other] = [await openGitServer(), await openGitServer()];
  stage = await BoxStage.open();
}, TEST_MS);
afterEach(async () => {
  await stage.close();
  await listed.close();
  await other.close();
}, TEST_MS);

/** The folder of npm, wherever this machine has it: `…/npm/bin/npm-cli.js`. */
function npmFolder(): string {
  const program = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8', timeout: TEST_MS }).trim();
  return dirname(dirname(realpathSync(program)));
}

describe.each(BOX_KINDS)('a %s with places that it may reach', { timeout: TEST_MS }, (runtime) => {
  it('clones and installs from them, and from no other', async () => {
    const { swarm } = stage;
    const npm = { from: npmFolder(), at: '/opt/npm', writable: false };
    await stage.spawn('alice', {
      runtime,
      image: imageOf(runtime),
      mounts: [npm],
      egress: [listed.plain, listed.sealed],
    });
    const cloned = `git clone -q http://${listed.plain}/demo.git plain && cat plain/README`;
    const sealed = `GIT_SSL_NO_VERIFY=1 git clone -q https://${listed.sealed}/demo.git sealed && git -C sealed log --format=%s`;
    expect(await stage.said('alice', `cd /tmp; ${cloned}; ${sealed}`)).toBe('the demo\nBegin');
    const install = `node /opt/npm/bin/npm-cli.js install --no-audit --no-fund --registry http://${listed.plain}/npm/ one >&2`;
    const use = `node -p 'require("one")'`;
    expect(await stage.said('alice', `mkdir /tmp/p && cd /tmp/p && ${install} && ${use}`)).toBe('one is here');

    const refused = `git clone -q http://${other.plain}/demo.git plain 2>&1; git clone -q https://${other.sealed}/demo.git sealed 2>&1; ls`;
    const words = await stage.said('alice', `cd /tmp; ${refused}`);
    expect(words).toContain(
      `remote: this box may not reach ${other.plain}; expected: ${listed.plain}, ${listed.sealed}`,
    );
    expect(words).toContain('403');
    expect(other.asked).toEqual([]);
    const log = swarm.log.join('\n');
    expect(log).toMatch(`alice asked through its relay: GET http://${listed.plain} (127.0.0.9): 200`);
    expect(log).toMatch(`alice asked through its relay: CONNECT ${listed.sealed} (127.0.0.9): 200`);
    expect(log).toMatch(`CONNECT ${other.sealed}: 403 refused: this box may not reach ${other.sealed}`);
  });

  it('reaches them no more once they are no longer listed', async () => {
    const { node } = stage;
    await stage.spawn('alice', { runtime, image: imageOf(runtime), egress: [listed.plain] });
    expect(await stage.box('alice')).toMatchObject({ egress: [listed.plain] });
    const clone = `git clone -q http://${listed.plain}/demo.git /tmp/plain`;
    await stage.said('alice', clone);
    await node.post('/api/boxes/alice/rebuild', { egress: [] });
    // Without any, nothing is run beside it; the proxy is there for whoever asks for it.
    expect(await stage.said('alice', `("$SKEP_NODE" "$SKEP_RELAY" ${clone}) 2>&1 || true`)).toContain(
      'expected: nothing: an operator lists places for it',
    );
  });
});
