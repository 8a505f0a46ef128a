/**
 * Where providers put what identifies a person and no pattern can tell: names,
 * postal addresses, addresses of the network. `x` is a field of that name at any
 * depth; `x.*` is everything in an object of that name but for what names or
 * counts things (see `isKept`). Sources: the providers' API references.
 */
const fieldsOfProviders = {
  stripe: `billing_details.* shipping.* customer_details.* shipping_details.* collected_information.* individual.*
    customer_address.* customer_shipping.* receipt_email customer_email customer_name customer_phone
    statement_descriptor_suffix client_ip account_holder_name verified_name verified_email`,
  paypal: `payer.* payer_info.* shipping.* subscriber.* shipping_address.* billing_address.* payee.email_address
    recipient_name note_to_payer`,
  adyen: `shopperEmail shopperIP shopperName.* cardHolderName billingAddress.* deliveryAddress.* expiryDate cardBin
    ownerName bankAccount.* telephoneNumber dateOfBirth shopperTelephone`,
  shopify: `customer.* billing_address.* shipping_address.* default_address.* contact_email browser_ip
    client_details.* note_attributes.*`,
  square: `buyer_email_address cardholder_name billing_address.* shipping_address.* recipient.*`,
  braintree: `customer.* billing.* shipping.* cardholder-name`,
  paystack: `customer.* account_name ip_address`,
  razorpay: `contact vpa customer_details.*`,
  checkout: `customer.* billing_address.* shipping.* account_holder.* payment_ip`,
  'mercado-pago': `payer.* cardholder.* additional_info.*`,
  mollie: `consumerName consumerAccount billingAddress.* shippingAddress.* cardHolder billingEmail`,
  'lemon-squeezy': `user_name user_email customer_name`,
  flutterwave: `customer.*`,
  xendit: `payer_email individual_detail.* billing_address.* payer_name`,
  'coinbase-commerce': `customer.*`,
  github: `pusher.* author.* committer.*`,
  everywhere: `email phone phone_number mobile first_name last_name given_name family_name full_name surname
    name_on_card holder_name street address_line_1 line1 line2 postal_code date_of_birth ip remote_address`,
} as const;

const leaves = new Set<string>();
const containers = new Set<string>();
for (const field of Object.values(fieldsOfProviders).flatMap((text) => text.split(/\s+/))) {
  if (field.endsWith('.*')) containers.add(plain(field.slice(0, -2)));
  else leaves.add(plain(field.slice(field.lastIndexOf('.') + 1)));
}

/** What a field's name says of its value; names are few, and looked at for every line of a log. */
export interface FieldKind {
  readonly isPersonal: boolean;
  /** An object of this name is about a person. */
  readonly isAboutPerson: boolean;
}

/** Names remembered; an unusual payload's many names begin anew. */
const NAMES_MAX = 4_096;
const kinds = new Map<string, FieldKind>();

/** See `isPersonalField` and `isPersonalObject`, remembered. */
export function fieldKind(name: string): FieldKind {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  if (kinds.size >= NAMES_MAX) kinds.clear();
  const kind = { isPersonal: isPersonalField(name), isAboutPerson: isPersonalObject(name) };
  kinds.set(name, kind);
  return kind;
}

/** Whether a field of this name holds personal data; Adyen flattens `billingAddress.street` into one name. */
function isPersonalField(name: string): boolean {
  if (name.length > NAME_CHARACTERS_MAX) return false;
  const dot = name.lastIndexOf('.');
  if (dot === -1) return leaves.has(plain(name));
  return leaves.has(plain(name.slice(dot + 1))) || name.slice(0, dot).split('.').some(isPersonalObject);
}

/** Whether an object of this name is about a person. */
function isPersonalObject(name: string): boolean {
  return name.length <= NAME_CHARACTERS_MAX && containers.has(plain(name));
}

/** Within such an object: what names, counts, times or classifies things and nobody. */
export function isKept(name: string): boolean {
  return kept.test(name);
}

const kept =
  /^(?:id|.*_id|.*Id|object|type|status|brand|scheme|network|last4|last_4|fingerprint|country|country_code|countryCode|currency|locale|created|created_at|updated_at|.*_url|href|rel|method|carrier|tracking_number|orders_count|state|tax_exempt)$/;

/** A longer name is no field of these. */
const NAME_CHARACTERS_MAX = 64;

function plain(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase();
}
