/** Takes messages from the other lab servers, for mailboxes that this one serves: one a connection. */
import type { Socket } from 'node:net';
import { FrameReader, type MailFrame, encodeFrame } from '#gateway/lab/replication/frames';
import type { Deliver } from './sender.ts';

/** `deliver`: this server's own. */
export function receiveMail(socket: Socket, deliver: Deliver): void {
  const reader = new FrameReader<MailFrame>();
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.take(chunk)) {
        if (frame.type === 'deliver') void deliver(frame.mailbox, frame.bytes).then(answer);
      }
    } catch {
      socket.destroy();
    }
  });

  function answer(isDone: boolean): void {
    if (!socket.writable) return;
    for (const piece of encodeFrame({ type: 'delivered', isDone })) socket.write(piece);
  }
}
