// A load-client process: holds many streams, and answers the questions of the process that started it.

import type { ClientRequest } from '../load/messages.ts';
import { serve } from '../system/peer.ts';
import { Crowd } from './crowd.ts';

const crowd = new Crowd();

serve<ClientRequest>(async (request) => {
  switch (request.do) {
    case 'open':
      return crowd.open(request);
    case 'window':
      crowd.tally.window = { fromUs: request.fromUs, toUs: request.toUs };
      return null;
    case 'churn':
      return crowd.churn(request);
    case 'storm':
      return crowd.storm(request);
    case 'progress':
      return crowd.progress(request.published);
    case 'result':
      return crowd.result(request.published);
  }
});
