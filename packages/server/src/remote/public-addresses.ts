import { BlockList, isIP } from "node:net";

/**
 * Networks of IPv4 that are not the public internet: IANA IPv4 Special-Purpose Address Registry (RFC 6890 and later),
 * multicast, and what is reserved.
 */
const NOT_PUBLIC_4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/**
 * Of IPv6 only global unicast (2000::/3, RFC 4291) is public: loopback, link-local, unique local, multicast, IPv4-mapped
 * (::ffff:0:0/96) and NAT64 (64:ff9b::/96, 64:ff9b:1::/48) lie outside of it. Within it, these are not: protocol assignments
 * with Teredo, documentation, 6to4, which carries an IPv4 address.
 */
const NOT_PUBLIC_6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const refused = new BlockList();
for (const [net, bits] of NOT_PUBLIC_4) refused.addSubnet(net, bits, "ipv4");
for (const [net, bits] of NOT_PUBLIC_6) refused.addSubnet(net, bits, "ipv6");
const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");

/** Whether an address, as `dns.lookup` or a parsed URL gives it, lies in the public internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !refused.check(address, "ipv4");
  // A zone (fe80::1%eth0) is a link's own.
  if (family !== 6 || address.includes("%")) return false;
  return globalUnicast.check(address, "ipv6") && !refused.check(address, "ipv6");
}
