/** Why nothing was launched or stopped, in words for people. Nothing was submitted. */
export class LaunchRefusal extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LaunchRefusal';
  }
}
