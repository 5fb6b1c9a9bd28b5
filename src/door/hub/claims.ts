/** Claims of a hub's members, and of those of other hubs: who is told what when two want to answer one message. */
import { isKnownMessage } from '#core/view/message.ts';
import type { At } from './channels.ts';
import type { Claim } from './floor.ts';
import type { FrameOf, Refused } from './frames.ts';
import { bad } from './frames.ts';
import type { Hub } from './hub.ts';
import { hubId } from './key.ts';

type Answer = Promise<Refused | undefined>;

export class Claims {
  private readonly hub: Hub;

  constructor(hub: Hub) {
    this.hub = hub;
    hub.far.listen((signal) => {
      if (signal.kind !== 'claim') return;
      const { msg_id: msgId, holder_name: holderName, started_at: startedMs, channel, holder } = signal;
      this.take({ msgId, channel, holder, holderName, startedMs });
    });
  }

  async respond({ msg_id: msgId, channel }: FrameOf<'RESPONDING_TO'>, { session, member, hub }: At): Answer {
    if (!session.channels.has(channel)) return bad('NOT_INVITED', `You are not in ${channel}`);
    const row = hub.door.node.store.get('message', msgId);
    if (!isKnownMessage(row) || row.sent.channel !== channel)
      return bad('INVALID_MSG', `msg_id names no message of ${channel}`);
    const claim = { msgId, channel, holder: member.id, holderName: member.name, startedMs: hub.door.now() };
    const { text, from } = row.sent;
    const isMentioned = (typeof text === 'string' ? text : text.head).includes(member.id);
    // Several may answer a person, and whoever is named always may.
    if (isMentioned || hubId(from) === '@operator') session.send('FLOOR_CLAIMED', claimed(claim));
    else {
      hub.far.say({ kind: 'claim', ...claimed(claim) });
      this.take(claim);
    }
    return undefined;
  }

  private take(claim: Claim): void {
    const { hub } = this;
    const { held, lost } = hub.floor.claim(claim, hub.door.now());
    if (held === claim) hub.toChannel(claim.channel, { type: 'FLOOR_CLAIMED', fields: claimed(held) });
    if (lost === undefined) return;
    hub.session(lost.holder)?.send('YIELD', {
      msg_id: held.msgId,
      channel: held.channel,
      holder: held.holder,
      holder_started_at: held.startedMs,
      reason: `${held.holderName} is answering`,
    });
  }
}

const claimed = (claim: Claim) => ({
  msg_id: claim.msgId,
  channel: claim.channel,
  holder: claim.holder,
  holder_name: claim.holderName,
  started_at: claim.startedMs,
});
