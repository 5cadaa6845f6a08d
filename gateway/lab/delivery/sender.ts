/**
 * Brings a message to the server with the active copy of its mailbox: this one, or one of the others.
 *
 * None of them knows where the active copy is, each knows only whether it is here (mounts.ts): so all are
 * asked, and asked again while the copy moves. A server that dies behind its write and before its answer has
 * the message twice: mail would rather come twice than never.
 */
import { connect } from 'node:net';
import { FrameReader, type MailFrame, encodeFrame } from '#gateway/lab/replication/frames';

/** True when the message is in the INBOX, and in the passive copy too where that keeps up. */
export type Deliver = (mailbox: string, bytes: Buffer) => Promise<boolean>;

export interface SenderParts {
  /** This server's own. */
  readonly deliver: Deliver;
  /** Where the others take mail. */
  readonly peerPaths: readonly string[];
  /** Monotonic milliseconds. */
  readonly monotonic: () => number;
}

/** Longer than a take-over of what a dead or frozen server had; shorter than clients wait for their 250. */
export const deliverWithinMs = 8_000;
/** How long one of the others has to answer: it may wait for the active manager, or for the passive copy. */
const answerTimeoutMs = 4_000;
/** A switchover takes about this long. */
const retryMs = 100;

/** Settles false when no server took it within the time. */
export async function sendMail(parts: SenderParts, mailbox: string, bytes: Buffer): Promise<boolean> {
  const deadline = parts.monotonic() + deliverWithinMs;
  for (;;) {
    if (await parts.deliver(mailbox, bytes)) return true;
    for (const path of parts.peerPaths)
      if (await offer(path, { type: 'deliver', mailbox, bytes })) return true;
    if (parts.monotonic() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

function offer(path: string, mail: MailFrame): Promise<boolean> {
  return new Promise((resolve) => {
    const reader = new FrameReader<MailFrame>();
    const socket = connect(path);
    const settle = (isDone: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isDone);
    };
    const timer = setTimeout(() => settle(false), answerTimeoutMs);
    socket.on('error', () => settle(false)).on('close', () => settle(false));
    socket.on('connect', () => {
      for (const piece of encodeFrame(mail)) socket.write(piece);
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.take(chunk)) if (frame.type === 'delivered') settle(frame.isDone);
      } catch {
        settle(false);
      }
    });
  });
}
