using System.Net.Mime;
using System.Text.Json;
using KkiMesh.Contracts;
using MassTransit;
using MassTransit.Serialization;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Carries CloudEvents over MassTransit, with none of MassTransit's own envelope or headers: what a foreign program
/// publishes is as good as ours. Incoming events are dispatched by their <c>type</c>.
/// </summary>
internal sealed class CloudEventSerializer(IReadOnlyDictionary<string, Type> types)
    : ISerializerFactory, IMessageSerializer, IMessageDeserializer
{
    public ContentType ContentType { get; } = new(CloudEvent.ContentType);

    public IMessageSerializer CreateSerializer() => this;

    public IMessageDeserializer CreateDeserializer() => this;

    public MessageBody GetMessageBody<T>(SendContext<T> context)
        where T : class =>
        new BytesMessageBody(JsonSerializer.SerializeToUtf8Bytes(context.Message));

    public MessageBody GetMessageBody(string text) => new StringMessageBody(text);

    public ConsumeContext Deserialize(ReceiveContext receiveContext)
    {
        if (receiveContext.TryGetPayload(out InvalidCloudEventException? fault))
            throw fault;
        var e = receiveContext.GetPayload<CloudEvent>();
        return new BodyConsumeContext(receiveContext, Context(e, receiveContext.TransportHeaders, receiveContext.InputAddress));
    }

    public SerializerContext Deserialize(MessageBody body, Headers headers, Uri? destinationAddress = null) =>
        Context(CloudEvent.Parse(body.GetBytes()), headers, destinationAddress);

    private SystemTextJsonRawSerializerContext Context(CloudEvent e, Headers headers, Uri? destinationAddress)
    {
        var type = types.GetValueOrDefault(e.Type)
            ?? throw new InvalidCloudEventException($"This service has no reaction to events of type {e.Type}.");
        return new SystemTextJsonRawSerializerContext(
            SystemTextJsonMessageSerializer.Instance,
            ContractJson.Options,
            ContentType,
            new RawMessageContext(headers, destinationAddress, default(RawSerializerOptions)),
            [MessageUrn.ForTypeString(type)],
            default(RawSerializerOptions),
            e.Data);
    }

    public void Probe(ProbeContext context) => context.CreateScope("cloudevents").Add("contentType", ContentType.MediaType);
}
