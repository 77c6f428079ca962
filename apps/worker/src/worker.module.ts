import { Module } from '@nestjs/common';
import { PlatformModule } from '#platform';
import { ROOM_MODULES } from '../../rooms.js';
import { Clocks } from './clocks.js';
import { Deliveries } from './deliveries.js';
import { Observation } from './observation.js';
import { RelayLoop } from './relay-loop.js';

@Module({
  imports: [PlatformModule.forRoot({ processName: 'worker', entities: [] }), ...ROOM_MODULES],
  providers: [Deliveries, RelayLoop, Clocks, Observation],
})
export class WorkerModule {}
