/** Networks of IP addresses as settings write them: `10.1.0.5`, `10.2.0.0/16`, `2001:db8::/32`. */
import { isIP } from 'node:net';

/** The text as it stands, or what is wrong with it and what to write. */
export type NetworkParsed = { readonly value: string } | { readonly problem: string; readonly mend: string };

/**
 * An address with bits behind the prefix is refused, since
 * it shows that one of the two is not what was meant; so is a prefix that holds everybody.
 */
export function parseNetwork(text: string): NetworkParsed {
  const [address = '', prefix, ...more] = text.split('/');
  const version = address.includes('%') ? 0 : isIP(address);
  if (version === 0 || more.length > 0) {
    return {
      problem: `has "${text}", which is no address and no network`,
      mend: 'write addresses and networks, such as 10.1.0.5, 10.2.0.0/16 or 2001:db8::/32',
    };
  }
  const bits = version === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : bits + 1;
  if (length > bits) {
    return { problem: `has "${text}"`, mend: `write a prefix of 1 to ${bits} bits behind the "/"` };
  }
  if (length === 0) {
    return { problem: `has "${text}", which is every address`, mend: 'name the load balancers alone' };
  }
  const number = version === 4 ? ipv4Number(address) : ipv6Number(address);
  if (version === 6 && number >> 32n === 0xffffn) {
    return { problem: `has "${text}", which is IPv4 written as IPv6`, mend: 'write it as IPv4' };
  }
  if (number % (1n << BigInt(bits - length)) === 0n) return { value: text };
  return {
    problem: `has "${text}", whose address is no network of ${length} bits`,
    mend: `write ${address} for the address alone, or the network's first address before the "/"`,
  };
}

/** `address` is one. */
function ipv4Number(address: string): bigint {
  return address.split('.').reduce((number, octet) => (number << 8n) | BigInt(octet), 0n);
}

/** `address` is one, without a zone. RFC 4291 section 2.2: one `::` for a run of zeros, IPv4 at the end. */
function ipv6Number(address: string): bigint {
  const groupsOf = (text: string): bigint[] =>
    text
      .split(':')
      .filter((group) => group !== '')
      .flatMap((group) => {
        if (!group.includes('.')) return [BigInt(`0x${group}`)];
        const number = ipv4Number(group);
        return [number >> 16n, number & 0xffffn];
      });
  const [head = '', tail = ''] = address.split('::');
  const [before, behind] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array.from({ length: 8 - before.length - behind.length }, () => 0n);
  return [...before, ...zeros, ...behind].reduce((number, group) => (number << 16n) | group, 0n);
}
