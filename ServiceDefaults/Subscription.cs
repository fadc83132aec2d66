using System.Text.Json;
using KkiMesh.Contracts;
using Marten;
using MassTransit;

namespace KkiMesh.ServiceDefaults;

/// <summary>What a service does with one type of event: learn from it, react to it, or first the one and then the other.</summary>
internal abstract class Subscription
{
    /// <summary>The record of the contract.</summary>
    public abstract Type Event { get; }

    /// <summary>The CloudEvents type.</summary>
    public string Type => PublicEvents.TypeOf(Event)!;

    /// <summary>The service that publishes it.</summary>
    public string Publisher => Type.Split('.')[1];

    /// <summary>Whether the service's picture is made of it.</summary>
    public abstract bool IsLearnt { get; }

    /// <summary>Connects the service's queue.</summary>
    public abstract void Connect(IReceiveEndpointConfigurator endpoint, Inbox inbox);

    /// <summary>Adds it to the picture.</summary>
    public abstract void Learn(JsonElement data, IDocumentOperations picture);

    /// <summary>Answers it.</summary>
    public abstract Task React(object e, Reaction reaction);
}

internal sealed class Subscription<T> : Subscription
    where T : class
{
    private Action<T, IDocumentOperations>? _learn;
    private Func<T, Reaction, Task>? _react;

    public override Type Event => typeof(T);

    public override bool IsLearnt => _learn is not null;

    public void Add(Action<T, IDocumentOperations> learn) => _learn = Once(_learn, learn);

    public void Add(Func<T, Reaction, Task> react) => _react = Once(_react, react);

    public override void Connect(IReceiveEndpointConfigurator endpoint, Inbox inbox) =>
        endpoint.Handler<T>(context => inbox.Consume(context, this));

    public override void Learn(JsonElement data, IDocumentOperations picture) =>
        _learn?.Invoke(data.Deserialize<T>(ContractJson.Options)!, picture);

    public override Task React(object e, Reaction reaction) => _react?.Invoke((T)e, reaction) ?? Task.CompletedTask;

    private static TDelegate Once<TDelegate>(TDelegate? was, TDelegate now)
        where TDelegate : Delegate =>
        was is null ? now : throw new InvalidOperationException($"{typeof(T).Name} is taken by {was.Method.DeclaringType?.Name} already.");
}
