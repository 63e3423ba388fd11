// Everything fetched goes through here: the token in a header, pictures as data URLs, the last few kept.

const MOST_PICTURES = 300;

class Api {
  constructor(onUnauthorized) {
    this.token = "";
    this.onUnauthorized = onUnauthorized;
    this.pictures = new Map();
  }

  get headers() {
    return { Authorization: `Bearer ${this.token}` };
  }

  async fetchOk(address, signal) {
    const answer = await fetch(address, { headers: this.headers, signal });
    if (answer.status === 401) this.onUnauthorized();
    if (!answer.ok) {
      const words = await answer.json().then((body) => body.error).catch(() => null);
      throw new Error(words || `The server answered ${answer.status}.`);
    }
    return answer;
  }

  async json(address) {
    return (await this.fetchOk(address)).json();
  }

  // Give a picture decoded, to be drawn at once. Whoever asked closes it.
  async bitmap(address, signal) {
    return createImageBitmap(await (await this.fetchOk(address, signal)).blob());
  }

  // Give a data URL of a picture, and the headers it came with. It holds its own bytes: nothing to take back, and a
  // picture still loading when the room closes finds them.
  picture(address) {
    let promise = this.pictures.get(address);
    if (promise) {
      this.pictures.delete(address);
    } else {
      promise = this.fetchOk(address).then(async (answer) => ({
        url: await dataUrl(await answer.blob()),
        maximum: answer.headers.get("X-Saliency-Maximum"),
      }));
      promise.catch(() => this.pictures.delete(address));
    }
    this.pictures.set(address, promise);
    this.forgetOldest();
    return promise;
  }

  forgetOldest() {
    while (this.pictures.size > MOST_PICTURES) {
      this.pictures.delete(this.pictures.keys().next().value);
    }
  }
}

function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
