/** What a container may ask of the kernel: what its engine lets any ask, without namespaces of its own, in which it would be root. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Where Podman looks for the profile that it uses when it is told of none. */
const DEFAULTS = ['/etc/containers/seccomp.json', '/usr/share/containers/seccomp.json'];

/** All flags of `clone` that make a namespace: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAMESPACE_FLAGS = 0x7e02_0000;
/** The one flag that asks for no right. */
const NEWUSER = 0x1000_0000;
const ENOSYS = 38;
const TAKEN = new Set(['unshare', 'setns', 'clone', 'clone3']);

const profileSchema = z.looseObject({
  syscalls: z.array(z.looseObject({ names: z.array(z.string()), action: z.string() })),
});
type Profile = z.output<typeof profileSchema>;

/** Writes the profile into the folder of the box. Returns its path. */
export function layProfile(directory: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'seccomp.json');
  writeFileSync(path, JSON.stringify(withoutNamespaces(engineProfile())), { mode: 0o600 });
  return path;
}

/** Where the engine has none to begin with, all is let through that is not taken away here. */
function engineProfile(): Profile {
  for (const path of DEFAULTS) {
    try {
      return profileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    } catch {
      // Not there, or in a form that nobody knows: the next one.
    }
  }
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] };
}

function withoutNamespaces(profile: Profile): Profile {
  const kept = profile.syscalls
    .map((rule) => ({ ...rule, names: rule.names.filter((name) => !TAKEN.has(name)) }))
    .filter((rule) => rule.names.length > 0);
  const masked = { index: 0, op: 'SCMP_CMP_MASKED_EQ' };
  const clone =
    profile['defaultAction'] === 'SCMP_ACT_ALLOW'
      ? { action: 'SCMP_ACT_ERRNO', args: [{ ...masked, value: NEWUSER, valueTwo: NEWUSER }] }
      : { action: 'SCMP_ACT_ALLOW', args: [{ ...masked, value: NAMESPACE_FLAGS, valueTwo: 0 }] };
  return {
    ...profile,
    syscalls: [
      ...kept,
      { names: ['clone'], ...clone },
      { names: ['unshare', 'setns'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
      // Its flags lie in memory, where no profile looks; libraries go on with `clone` where it is not known.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    ],
  };
}
