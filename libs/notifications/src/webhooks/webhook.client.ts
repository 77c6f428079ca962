import { lookup } from 'node:dns';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, type LookupFunction, isIP } from 'node:net';

const TIMEOUT_MS = 10_000;

/** Networks that no webhook of a stranger may reach: this machine, its neighbours and its cloud (RFC 6890, RFC 4193, RFC 3927). */
const PRIVATE = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE.ipv4.addSubnet(net, bits, 'ipv4');
}
for (const [net, bits] of [
  ['::', 127],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.ipv6.addSubnet(net, bits, 'ipv6');
}

/** Whether an address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  // Two lists, because one that holds the IPv4-mapped network of IPv6 takes every IPv4 address for private.
  return isIP(address) !== 0 && !PRIVATE[family].check(address, family);
}

/** Looks a host up and hides what is not public: the address that was checked is the one that is called. */
const publicLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const found = (addresses ?? []).filter(({ address }) => isPublicAddress(address));
    const [first] = found;
    if (error || !first) callback(error ?? new Error('the host has no public address'), '', 4);
    else if (options.all) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

/** Sends a body once. Answers the status; throws when there is none. Redirects are not followed. */
export function post(
  url: URL,
  headers: Record<string, string>,
  body: string,
  isPublicNetwork: boolean,
): Promise<number> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isPublicNetwork && isIP(host) !== 0 && !isPublicAddress(host)) {
    return Promise.reject(new Error('the host has no public address'));
  }
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(isPublicNetwork ? { lookup: publicLookup } : {}),
      },
      (response: IncomingMessage) => {
        // What a receiver says beside its status is its own business.
        response.destroy();
        resolve(response.statusCode ?? 0);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
