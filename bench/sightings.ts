/** What nodes say of one another, read from the lines that they print. */
export type System = 'skep' | 'serf';
export type Sighting = { system: System; at: string; node: string; state: 'suspect' | 'dead' | 'alive'; ms: number };

/** Of a skep node: `n5 (0123abcd) is dead`. */
const SKEP = /(n\d+) \([0-9a-f]{8}\) is (suspect|dead|alive)/;
/** Of a serf agent: `serf: EventMemberFailed: n5 10.77.0.5`. */
const SERF = /EventMember(Failed|Join): (n\d+) /;

export class Sightings {
  private readonly held: Sighting[] = [];

  hearSkep(at: string, line: string): void {
    const [, node, state] = SKEP.exec(line) ?? [];
    if (node === undefined || (state !== 'suspect' && state !== 'dead' && state !== 'alive')) return;
    this.held.push({ system: 'skep', at, node, state, ms: performance.now() });
  }

  hearSerf(at: string, line: string): void {
    const [, what, node] = SERF.exec(line) ?? [];
    if (node === undefined) return;
    this.held.push({
      system: 'serf',
      at,
      node,
      state: what === 'Failed' ? 'dead' : 'alive',
      ms: performance.now(),
    });
  }

  since(ms: number): Sighting[] {
    return this.held.filter((one) => one.ms >= ms);
  }
}
