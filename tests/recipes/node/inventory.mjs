import { randomUUID } from 'node:crypto';

/** A client for a domain that no other test sees. */
export class Inventory {
  domainId = `domain-${randomUUID()}`;

  async request(method, path, body, options = {}) {
    const url = new URL(path, process.env.JOBDECK_URL);
    if (method === 'POST' && path.startsWith('/inventory/')) {
      body = { domain_id: this.domainId, ...body }; // where SpaceONE's searches and statistics have it
    } else {
      url.searchParams.set('domain_id', this.domainId);
    }
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method, headers, body: JSON.stringify(body), ...options });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  putJob(jobId, job) {
    return this.request('PUT', `/jobdeck/jobs/${jobId}`, job);
  }

  freezeClock() {
    return this.request('PUT', '/jobdeck/clock', { is_frozen: true });
  }

  advanceClock(seconds) {
    return this.request('POST', '/jobdeck/clock/advance', { seconds });
  }

  addFault(fault) {
    return this.request('POST', '/jobdeck/faults', fault);
  }

  async jobs() {
    return (await this.request('GET', '/inventory/v1/jobs')).results;
  }

  async search(query) {
    return (await this.request('POST', '/inventory/v1/jobs/search', { query })).results;
  }

  /** Removes the domain's jobs, clock and faults. */
  reset() {
    return this.request('POST', '/jobdeck/reset');
  }
}
