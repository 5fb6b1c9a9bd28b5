/** Rounds and values of a proposer: what it may send, and what its row must say first. */
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#core/brand.ts';
import type { VoteReply } from '#core/register/acceptor.ts';
import type { ProposerRow, Round, Step } from '#core/register/proposer.ts';
import { onVote, openRound, proposerRowSchema, wanting } from '#core/register/proposer.ts';
import { simNodeId } from '#sim/crypto.ts';
import { ended, granted, home, other, third } from './values.ts';

const row = (o: Partial<ProposerRow> = {}): ProposerRow => ({
  round: -1,
  value: granted(),
  first: false,
  wanted: true,
  ...o,
});
const open = (o: { row: ProposerRow; owns?: boolean; above?: { round: number; node: NodeId } }) =>
  openRound({ row: o.row, self: home, ownsBallotZero: o.owns ?? false, above: o.above });

describe('opening a round', () => {
  it('the owner of ballot 0 begins with it and skips phase 1; others begin with round 1', () => {
    expect(open({ row: row(), owns: true })).toEqual({
      row: row({ round: 0, first: true }),
      round: expect.objectContaining({ ballot: { round: 0, node: home }, phase: 'accept', value: granted() }),
    });
    expect(open({ row: row() })).toMatchObject({ row: { round: 1, first: false }, round: { phase: 'prepare' } });
  });

  it('the owner repeats ballot 0 with its value after a crash, until it was refused', () => {
    const again = open({ row: row({ round: 0, first: true }), owns: true });
    expect(again.round).toMatchObject({ ballot: { round: 0 }, phase: 'accept', value: granted() });
    const refused = open({ row: row({ round: 0, first: true }), owns: true, above: { round: 3, node: other } });
    expect(refused).toMatchObject({
      row: { round: 4, first: true },
      round: { phase: 'prepare', ballot: { round: 4 } },
    });
  });

  it('never uses a round again, whatever is in the way', () => {
    let held = row();
    const used = new Set<number>();
    for (const above of [
      undefined,
      { round: 0, node: other },
      { round: 7, node: other },
      { round: 2, node: third },
      undefined,
    ]) {
      held = open({ row: held, owns: true, ...(above === undefined ? {} : { above }) }).row;
      expect(used.has(held.round)).toBe(false);
      used.add(held.round);
    }
    expect([...used]).toEqual([0, 1, 8, 9, 10]);
  });

  it("never goes back to ballot 0 after a round, also where the row says that it was the owner's", () => {
    expect(open({ row: row({ round: 2, first: true }), owns: true }).round).toMatchObject({
      ballot: { round: 3 },
      phase: 'prepare',
    });
  });

  it('with another value than the one at ballot 0 goes on with phase 1', () => {
    const changed = wanting(row({ round: 0, first: true }), ended('cancelled', 0));
    expect(open({ row: changed, owns: true }).round).toMatchObject({
      ballot: { round: 1 },
      phase: 'prepare',
      value: ended('cancelled', 0),
    });
    const back = wanting(changed, granted());
    expect(open({ row: back, owns: true }).round).toMatchObject({ ballot: { round: 1 }, phase: 'prepare' });
  });

  it('its row survives the disk', () => {
    const { row: next } = open({ row: row(), owns: true });
    expect(proposerRowSchema.parse(JSON.parse(JSON.stringify(next)))).toEqual(next);
  });
});

const voters = [home, other, third];
const promised = (
  accepted: { round: number; node: NodeId; value: ReturnType<typeof granted> } | null = null,
): VoteReply => ({
  vote: 'promised',
  accepted:
    accepted === null ? null : { ballot: { round: accepted.round, node: accepted.node }, value: accepted.value },
});
const refused = (round: number): VoteReply => ({ vote: 'refused', promised: { round, node: third } });
const take = (round: Round, votes: [NodeId, VoteReply][]): Step => {
  let step: Step = { kind: 'wait' };
  for (const [from, reply] of votes) step = onVote(round, { from, reply, voters });
  return step;
};
const phaseOne = (): Round => open({ row: row({ value: granted(1, home) }) }).round;
const phaseTwo = (): Round => open({ row: row({ value: granted(1, home) }), owns: true }).round;

describe('votes', () => {
  it('make a majority by different voters only', () => {
    expect(
      take(phaseTwo(), [
        [home, { vote: 'accepted' }],
        [home, { vote: 'accepted' }],
      ]),
    ).toEqual({ kind: 'wait' });
    expect(
      take(phaseTwo(), [
        [simNodeId(9), { vote: 'accepted' }],
        [home, { vote: 'accepted' }],
      ]),
    ).toEqual({ kind: 'wait' });
    expect(
      take(phaseTwo(), [
        [home, { vote: 'accepted' }],
        [third, { vote: 'accepted' }],
      ]),
    ).toEqual({
      kind: 'decided',
      value: granted(1, home),
    });
  });

  it('of phase 1 do not count in phase 2, nor the other way round', () => {
    expect(
      take(phaseTwo(), [
        [home, promised()],
        [other, promised()],
      ]),
    ).toEqual({ kind: 'wait' });
    expect(
      take(phaseOne(), [
        [home, { vote: 'accepted' }],
        [other, { vote: 'accepted' }],
      ]),
    ).toEqual({ kind: 'wait' });
  });

  it('that nobody had accepted anything leave the own value', () => {
    expect(
      take(phaseOne(), [
        [home, promised()],
        [other, promised()],
      ]),
    ).toMatchObject({
      kind: 'accept',
      round: { phase: 'accept', value: granted(1, home), ballot: { round: 1 } },
    });
  });

  it('bring the value of the highest ballot with them', () => {
    const low = promised({ round: 0, node: home, value: granted(1, other) });
    const high = promised({ round: 2, node: other, value: granted(1, third) });
    for (const votes of [
      [low, high],
      [high, low],
    ]) {
      const step = take(
        phaseOne(),
        votes.map((vote, at) => [voters[at] ?? home, vote]),
      );
      expect(step).toMatchObject({ kind: 'accept', round: { value: granted(1, third) } });
    }
  });

  it('that refuse beat the round once a majority cannot be had, and tell the highest ballot in the way', () => {
    expect(take(phaseOne(), [[home, refused(4)]])).toEqual({ kind: 'wait' });
    expect(
      take(phaseOne(), [
        [home, refused(4)],
        [other, refused(9)],
      ]),
    ).toEqual({
      kind: 'beaten',
      above: { round: 9, node: third },
    });
  });

  it('that are silent leave it open', () => {
    const silent: VoteReply = { vote: 'silent', reason: 'x' };
    expect(
      take(phaseOne(), [
        [home, silent],
        [other, silent],
        [third, silent],
      ]),
    ).toEqual({ kind: 'wait' });
  });

  it('that the slot is decided end it', () => {
    expect(take(phaseOne(), [[third, { vote: 'decided', value: ended('cancelled', 0) }]])).toEqual({
      kind: 'decided',
      value: ended('cancelled', 0),
    });
  });
});
