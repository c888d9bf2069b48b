export { Publisher, type PublisherEvent, type PublisherOptions } from './publisher.ts';
