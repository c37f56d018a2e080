// The scenarios of bench/compare.sh for k6: SCENARIO=get | mix | steps, or RATE for the open model.
import http from 'k6/http';
import { check } from 'k6';

const base = 'http://127.0.0.1:18080';
const json = { headers: { 'content-type': 'application/json' } };
const duration = `${__ENV.RUN_SECONDS || '8'}s`;
const closed = { executor: 'constant-vus', vus: 64, duration };
const open = {
  executor: 'constant-arrival-rate',
  rate: Number(__ENV.RATE || 1),
  timeUnit: '1s',
  duration,
  preAllocatedVUs: 64,
  maxVUs: 1000,
};

export const options = {
  scenarios: { main: __ENV.RATE ? open : closed },
  summaryTrendStats: ['med', 'p(99)'],
};

const scenarios = {
  get() {
    http.get(`${base}/`);
  },
  mix() {
    if (Math.random() < 0.2) {
      check(http.get(`${base}/`), { status: (r) => r.status === 200 });
    } else {
      const body = JSON.stringify({ image: 'a-17', size: [224, 224], model: 'resnet50', top: 5 });
      check(http.post(`${base}/predict`, body, json), { status: (r) => r.status === 200 });
    }
  },
  steps() {
    const token = http.get(`${base}/login`).json('token');
    http.get(`${base}/item`);
    const body = JSON.stringify({ token, sku: 'a-17', count: 1 });
    check(http.post(`${base}/order`, body, json), { status: (r) => r.status === 201 });
  },
};

export default scenarios[__ENV.SCENARIO || 'get'];
