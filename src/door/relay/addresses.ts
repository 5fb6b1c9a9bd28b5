/** Which addresses a name may lead to: those of the public network. None of this machine, of its network, or of whoever runs it. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** By the special registries of IANA (RFC 6890 and its updates): this machine, private and shared networks, link-local (metadata of clouds), tests, groups. */
const CLOSED_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** All that is handed out to the public network of version 6 … */
const OPEN_6 = ['2000::/3'];
/** … but for what carries other addresses in it (Teredo, 6to4), is for tests, or leads nowhere. */
const CLOSED_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

function listOf(subnets: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}
const closed4 = listOf(CLOSED_4, 'ipv4');
const open6 = listOf(OPEN_6, 'ipv6');
const closed6 = listOf(CLOSED_6, 'ipv6');

/** Of a canonical address. A machine's own are never public, whatever network they are of: what listens there is for its people. */
export function isPublic(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  if (own.some((one) => one.address === address)) return false;
  if (isIPv4(address)) return !closed4.check(address, 'ipv4');
  return isIPv6(address) && open6.check(address, 'ipv6') && !closed6.check(address, 'ipv6');
}
